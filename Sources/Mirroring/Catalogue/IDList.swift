/// Numbers as a short text, such as `1-5,9`: neighbours are one range.
package struct IDList: Sendable, Hashable {
    private let ranges: [ClosedRange<Int64>]

    /// - Parameter ids: In any order.
    package init(_ ids: some Sequence<Int64>) {
        var ranges: [ClosedRange<Int64>] = []
        for id in ids.sorted() {
            if let last = ranges.last, id <= last.upperBound || id - 1 == last.upperBound {
                ranges[ranges.count - 1] = last.lowerBound...max(id, last.upperBound)
            } else {
                ranges.append(id...id)
            }
        }
        self.ranges = ranges
    }

    /// Reads what ``text`` wrote; nil for anything else.
    package init?(_ text: String) {
        var ranges: [ClosedRange<Int64>] = []
        for part in text.split(separator: ",") {
            let ends = part.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
            guard let first = Int64(ends[0]), let last = ends.count == 2 ? Int64(ends[1]) : first,
                first >= 0, first <= last, first > ranges.last?.upperBound ?? -1
            else { return nil }
            ranges.append(first...last)
        }
        self.ranges = ranges
    }

    /// The text; empty for no number.
    package var text: String {
        ranges.map {
            $0.lowerBound == $0.upperBound ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)"
        }
        .joined(separator: ",")
    }

    /// Whether a number is among them.
    package func contains(_ id: Int64) -> Bool {
        var (low, high) = (0, ranges.count)
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].contains(id) { return true }
            if id < ranges[middle].lowerBound { high = middle } else { low = middle + 1 }
        }
        return false
    }
}
