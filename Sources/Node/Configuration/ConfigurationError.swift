import Portable

/// Why the configuration cannot be used. Each names the place, and what would be right.
package enum ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
    /// No such key; `nearest` is the known one that it resembles most, however little.
    case unknownKey(name: String, source: SettingSource, nearest: String)
    /// The value is not of the key's kind; `value` is `nil` for a secret.
    case wrongValue(name: String, source: SettingSource, value: String?, expected: String)
    /// The file is not a properties file.
    case malformedFile(path: String, line: Int, reason: String)
    /// The file is there but cannot be read.
    case unreadableFile(path: String, reason: String)
    /// A `--property` without `=`.
    case malformedOverride(String)
    /// Two settings that do not go together, in a sentence.
    case inconsistent(String)

    package var description: String {
        switch self {
        case .unknownKey(let name, let source, let nearest):
            let isNear = Nearest.match(name, among: [nearest]) != nil
            let advice =
                isNear
                ? "Did you mean \"\(nearest)\"?"
                : "The nearest known key is \"\(nearest)\"; docs/operating.md lists all."
            return "\(source): unknown key \"\(name)\". \(advice)"
        case .wrongValue(let name, let source, let value, let expected):
            let shown = value.map { "\"\($0)\"" } ?? "not usable"
            return "\(source): \"\(name)\" is \(shown). Expected: \(expected)."
        case .malformedFile(let path, let line, let reason):
            return "\(path):\(line): the line \(reason). Correct the file."
        case .unreadableFile(let path, let reason):
            return "\(path): \(reason). Make the file readable for the user that runs Perigee."
        case .malformedOverride(let text):
            return "--property \"\(text)\" has no \"=\". Write --property key=value."
        case .inconsistent(let text):
            return text
        }
    }
}
