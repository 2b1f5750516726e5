/// Lengths of time as people write them: `250ms`, `15m`, `1h30m`.
package enum DurationText {
    private static let units: [(name: String, milliseconds: Int64)] = [
        ("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
    ]

    /// Milliseconds; `nil` unless the text is one or more whole numbers, each with a unit of ms, s, m, h or
    /// d, the larger units first. At most 10,000 days.
    package static func milliseconds(_ text: String) -> Int64? {
        var rest = Substring(text)
        var total: Int64 = 0
        var lastUnit = Int64.max
        guard !rest.isEmpty, rest.utf8.count <= 40 else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            let word = rest.dropFirst(digits.count).prefix { $0.isASCII && $0.isLetter }
            guard let count = Int64(digits), let unit = units.first(where: { $0.name == word })?.milliseconds,
                unit < lastUnit
            else { return nil }
            let (part, overflow) = count.multipliedReportingOverflow(by: unit)
            guard !overflow, part <= 864_000_000_000 else { return nil }
            total += part
            lastUnit = unit
            rest = rest.dropFirst(digits.count + word.count)
        }
        return total <= 864_000_000_000 ? total : nil
    }

    /// The shortest text of a length, in whole milliseconds.
    package static func text(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        return text(milliseconds: seconds * 1_000 + attoseconds / 1_000_000_000_000_000)
    }

    /// The shortest text of a length in milliseconds: `1h30m`, `0s`.
    package static func text(milliseconds: Int64) -> String {
        guard milliseconds > 0 else { return "0s" }
        var rest = milliseconds
        var text = ""
        for unit in units.reversed() where rest >= unit.milliseconds {
            text += "\(rest / unit.milliseconds)\(unit.name)"
            rest %= unit.milliseconds
        }
        return text
    }
}
