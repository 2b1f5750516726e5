package import Logging

extension Logger.Level {
    /// Reads a level's name, of either case: `TRACE`, `DEBUG`, `INFO`, `NOTICE`, `WARN` or `WARNING`,
    /// `ERROR`, `CRITICAL`. `nil` for anything else.
    package init?(name: String) {
        switch name.uppercased() {
        case "WARN": self = .warning
        case let name: self.init(rawValue: name.lowercased())
        }
    }

    /// The name that log lines and the REST API use: `TRACE`, `DEBUG`, `INFO`, `NOTICE`, `WARN`, `ERROR`,
    /// `CRITICAL`.
    package var name: String {
        self == .warning ? "WARN" : rawValue.uppercased()
    }
}
