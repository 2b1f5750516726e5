import Configuration
import Logging

/// What a configuration value may be, and how its text is read.
package enum SettingKind: Sendable {
    /// Any text.
    case text
    /// `true` or `false`.
    case boolean
    /// A whole number within a range.
    case integer(ClosedRange<Int>)
    /// A duration in whole seconds, within a range.
    case seconds(ClosedRange<Int>)
    /// A number of bytes: digits, with K, M or G for powers of 1,024; 0 or more.
    case size
    /// One of these words.
    case choice([String])
    /// A path of the file system; a relative one counts from the home directory.
    case path
    /// An `http://` or `https://` URL.
    case url
    /// A log level.
    case level
    /// Words that commas part.
    case list

    /// How the value must look, for error messages and the reference, such as "an integer from 0 to 65535".
    package var expectation: String {
        switch self {
        case .text: "text"
        case .boolean: "true or false"
        case .integer(let range): "an integer from \(range.lowerBound) to \(range.upperBound)"
        case .seconds(let range): "seconds, a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .size: "a number of bytes, such as 1048576, 512K, 64M or 2G"
        case .choice(let words): words.map { "`\($0)`" }.joined(separator: " or ")
        case .path: "a path"
        case .url: "a URL that begins with http:// or https://"
        case .level: Logger.Level.allCases.map { $0.rawValue.uppercased() }.joined(separator: ", ")
        case .list: "words separated by commas"
        }
    }

    /// Reads the value's text.
    /// - Returns: The content in the type that ``type`` names, or `nil` when the text is not of this kind.
    func content(of text: String) -> ConfigContent? {
        let trimmed = text.trimmingBlanks
        switch self {
        case .text: return .string(text)
        case .boolean: return trimmed == "true" ? .bool(true) : trimmed == "false" ? .bool(false) : nil
        case .integer(let range), .seconds(let range):
            return Int(trimmed).flatMap { range.contains($0) ? .int($0) : nil }
        case .size: return Self.bytes(trimmed).map { .int($0) }
        case .choice(let words): return words.contains(trimmed) ? .string(trimmed) : nil
        case .path: return trimmed.isEmpty || trimmed.utf8.contains(0) ? nil : .string(trimmed)
        case .url: return Self.isURL(trimmed) ? .string(trimmed) : nil
        case .level: return Logger.Level(named: trimmed).map { .string($0.rawValue) }
        case .list:
            return .stringArray(
                trimmed.split(separator: ",").map { String($0).trimmingBlanks }.filter { !$0.isEmpty })
        }
    }

    /// The type in which a reader asks for the value.
    var type: ConfigType {
        switch self {
        case .text, .choice, .path, .url, .level: .string
        case .boolean: .bool
        case .integer, .seconds, .size: .int
        case .list: .stringArray
        }
    }

    private static func bytes(_ text: String) -> Int? {
        guard let last = text.last else { return nil }
        let factors: [Character: Int] = ["K": 1 << 10, "M": 1 << 20, "G": 1 << 30]
        let factor = factors[Character(last.uppercased())]
        guard let number = Int(factor == nil ? text[...] : text.dropLast()), number >= 0 else { return nil }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: factor ?? 1)
        return overflow ? nil : bytes
    }

    private static func isURL(_ text: String) -> Bool {
        for scheme in ["http://", "https://"] where text.hasPrefix(scheme) {
            return text.utf8.count > scheme.utf8.count && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f }
        }
        return false
    }
}

extension Logger.Level {
    /// The level of a name in any case; `WARN` is `warning`, `OFF` and `FATAL` are `critical`.
    package init?(named name: String) {
        let lower = name.lowercased()
        let synonyms: [String: Logger.Level] = ["warn": .warning, "fatal": .critical, "off": .critical]
        guard let level = synonyms[lower] ?? Logger.Level(rawValue: lower) else { return nil }
        self = level
    }
}

extension String {
    /// The text without white space at both ends.
    var trimmingBlanks: String {
        String(drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
    }
}
