package import Logging
import Synchronization

/// A plugin's log lines: at most so many in a second, and a note with the number of those left out.
package final class PluginLog: Sendable {
    private struct State {
        var windowStart: ContinuousClock.Instant
        var written = 0
        var droppedInWindow: Int64 = 0
        var dropped: Int64 = 0
    }
    private let state: Mutex<State>
    private let logger: Logger
    private let linesPerSecond: Int

    /// The longest line, in bytes; what is longer is cut with a mark.
    static let lineBytesMax = 8 * 1024

    init(logger: Logger, linesPerSecond: Int) {
        self.logger = logger
        self.linesPerSecond = linesPerSecond
        state = Mutex(State(windowStart: .now))
    }

    /// Writes a line, unless there were too many in this second.
    package func write(_ level: Logger.Level, _ message: String, fields: Logger.Metadata = [:]) {
        guard logger.logLevel <= level else { return }
        let (isWritten, left) = take(now: .now)
        if left > 0 {
            logger.warning("log lines of this plugin were left out", metadata: ["lines": "\(left)"])
        }
        if isWritten { logger.log(level: level, "\(Self.cut(message))", metadata: fields) }
    }

    /// Lines left out so far.
    package var dropped: Int64 { state.withLock { $0.dropped } }

    func take(now: ContinuousClock.Instant) -> (isWritten: Bool, leftOut: Int64) {
        state.withLock { state in
            var leftOut: Int64 = 0
            if state.windowStart.duration(to: now) >= .seconds(1) {
                leftOut = state.droppedInWindow
                state.windowStart = now
                state.written = 0
                state.droppedInWindow = 0
            }
            guard state.written < linesPerSecond else {
                state.droppedInWindow += 1
                state.dropped += 1
                return (false, leftOut)
            }
            state.written += 1
            return (true, leftOut)
        }
    }

    static func cut(_ text: String) -> String {
        guard text.utf8.count > lineBytesMax else { return text }
        return String(decoding: text.utf8.prefix(lineBytesMax), as: UTF8.self) + "... (cut)"
    }
}
