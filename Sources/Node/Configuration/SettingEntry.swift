/// A value as someone gave it, with the place where they did.
struct SettingEntry: Sendable {
    var key: String
    var text: String
    var source: SettingSource
}

/// Where a configuration value came from.
package enum SettingSource: Sendable, Equatable, CustomStringConvertible {
    /// A line of a properties file.
    case file(path: String, line: Int)
    /// An environment variable.
    case environment(name: String)
    /// `--property` on the command line.
    case commandLine

    package var description: String {
        switch self {
        case .file(let path, let line): "\(path):\(line)"
        case .environment(let name): "environment variable \(name)"
        case .commandLine: "--property"
        }
    }
}
