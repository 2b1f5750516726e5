import FoundationEssentials

/// Text of plugins as a terminal may get it.
enum TerminalText {
    /// The same text with control characters of both sets replaced, so that nobody moves the cursor.
    static func shown(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { $0.properties.generalCategory == .control ? "\u{fffd}" : $0 }))
    }

    /// Milliseconds since 1970 as `2026-11-21T02:25:56Z`.
    static func time(_ milliseconds: Int64) -> String {
        Date(timeIntervalSince1970: Double(milliseconds) / 1_000).formatted(Date.ISO8601FormatStyle())
    }
}
