/// A statement about several rows, as texts for a few numbers of them, so that few texts are kept prepared.
struct ManyRows: Sendable {
    /// What becomes of a number of rows that no text is for.
    enum Rest: Sendable {
        /// Several statements.
        case split
        /// The last row is repeated, which changes nothing.
        case repeated
    }

    private let texts: [(count: Int, text: String)]
    private let rest: Rest

    /// - Parameters:
    ///   - row: One row's parameters: `(?, ?)`.
    ///   - separator: What is between two.
    init(_ head: String, row: String, separator: String = ", ", _ tail: String = "", rest: Rest) {
        texts = [64, 16, 4, 1].map { count in
            (count, head + Array(repeating: row, count: count).joined(separator: separator) + tail)
        }
        self.rest = rest
    }

    /// Calls the body for slices that together are all of `items`, in their order.
    func each<Item>(_ items: [Item], _ body: (_ text: String, _ slice: [Item]) throws -> Void) rethrows {
        var left = items[...]
        while let last = left.last {
            let fitting = texts.first { $0.count <= left.count } ?? texts[texts.count - 1]
            let wider = rest == .repeated ? texts.last { $0.count >= left.count } ?? fitting : fitting
            let slice = left.prefix(wider.count)
            try body(wider.text, slice + Array(repeating: last, count: wider.count - slice.count))
            left = left.dropFirst(slice.count)
        }
    }
}
