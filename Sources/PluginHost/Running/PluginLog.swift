package import Logging
import Synchronization

/// A plugin's log lines: at most so many, and so many bytes, in a second, and a note with the number of
/// those left out.
package final class PluginLog: Sendable {
    private struct State {
        var windowStart: ContinuousClock.Instant
        var lines = 0
        var bytes = 0
        var droppedInWindow: Int64 = 0
        var dropped: Int64 = 0

        /// Begins the next second when this one is over.
        /// - Returns: How many lines were left out in the one that is over.
        mutating func turn(_ now: ContinuousClock.Instant) -> Int64 {
            guard windowStart.duration(to: now) >= .seconds(1) else { return 0 }
            defer {
                windowStart = now
                (lines, bytes, droppedInWindow) = (0, 0, 0)
            }
            return droppedInWindow
        }
    }
    private let state: Mutex<State>
    private let logger: Logger
    private let linesPerSecond: Int
    private let bytesPerSecond: Int

    /// The longest message, in bytes, the mark of a cut included.
    package static let lineBytesMax = 8 * 1024
    private static let mark = " ... (cut)"

    /// - Parameter bytesPerSecond: Of messages and fields together.
    package init(logger: Logger, linesPerSecond: Int, bytesPerSecond: Int = 128 * 1024) {
        self.logger = logger
        self.linesPerSecond = linesPerSecond
        self.bytesPerSecond = bytesPerSecond
        state = Mutex(State(windowStart: .now))
    }

    /// Whether lines of this level are written at present.
    package func writes(_ level: Logger.Level) -> Bool { logger.logLevel <= level }

    /// Writes a line, unless there were too many in this second.
    package func write(
        _ level: Logger.Level, _ message: String, fields: Logger.Metadata = [:],
        now: ContinuousClock.Instant = .now
    ) {
        guard writes(level) else { return }
        let text = Self.cut(message)
        let fields = fields.mapValues { Logger.MetadataValue.string(Self.cut($0.description)) }
        let bytes = fields.reduce(text.utf8.count) {
            $0 + $1.key.utf8.count + $1.value.description.utf8.count
        }
        let (isWritten, leftOut) = take(bytes, now)
        tell(leftOut)
        if isWritten { logger.log(level: level, "\(text)", metadata: fields) }
    }

    /// Says how many lines were left out in a second that is over, also when no further line comes.
    package func flush(now: ContinuousClock.Instant = .now) {
        tell(state.withLock { $0.turn(now) })
    }

    /// Lines left out so far.
    package var dropped: Int64 { state.withLock { $0.dropped } }

    private func take(_ bytes: Int, _ now: ContinuousClock.Instant) -> (isWritten: Bool, leftOut: Int64) {
        state.withLock { state in
            let leftOut = state.turn(now)
            guard state.lines < linesPerSecond, state.bytes + bytes <= bytesPerSecond else {
                state.droppedInWindow += 1
                state.dropped += 1
                return (false, leftOut)
            }
            state.lines += 1
            state.bytes += bytes
            return (true, leftOut)
        }
    }

    private func tell(_ leftOut: Int64) {
        guard leftOut > 0 else { return }
        logger.warning("log lines of this plugin were left out", metadata: ["lines": "\(leftOut)"])
    }

    /// The text, or its beginning with a mark; a character is never cut in two.
    static func cut(_ text: String) -> String {
        guard text.utf8.count > lineBytesMax else { return text }
        var end = text.utf8.index(text.startIndex, offsetBy: lineBytesMax - mark.utf8.count)
        while end > text.startIndex, end.samePosition(in: text.unicodeScalars) == nil {
            end = text.utf8.index(before: end)
        }
        return text[..<end] + mark
    }
}
