import Logging
import Synchronization

/// What loggers were given.
final class LogLines: Sendable {
    struct Line: Sendable {
        let level: Logger.Level
        let message: String
        let metadata: Logger.Metadata
    }

    private struct Handler: LogHandler {
        let lines: LogLines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace
        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            lines.add(
                Line(level: event.level, message: "\(event.message)", metadata: event.metadata ?? [:]))
        }
    }

    private let lines = Mutex<[Line]>([])

    var all: [Line] { lines.withLock { $0 } }
    var messages: [String] { all.map(\.message) }
    var logger: Logger { Logger(label: "test") { _ in Handler(lines: self) } }

    private func add(_ line: Line) { lines.withLock { $0.append(line) } }
}
