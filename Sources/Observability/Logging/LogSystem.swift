import Glibc
package import Logging
import Synchronization

/// Where all log lines of a process go, with levels that change while it runs.
///
/// Logger names are hierarchical by dots: a level at `perigee` also holds for `perigee.git` unless that has
/// its own; `ROOT` stands above all.
package final class LogSystem: Sendable {
    private let levelTable: LogLevels
    private let writer: LogWriter

    private static let isBootstrapped = Mutex(false)

    /// A system of its own, for tests and tools; only loggers made by ``logger(_:)`` write to it.
    package init(configuration: LogConfiguration) {
        levelTable = LogLevels(defaultLevel: configuration.defaultLevel, levels: configuration.levels)
        writer = LogWriter(configuration: configuration)
    }

    /// Makes the system to which every logger of the process writes from now on. The first call counts; a
    /// later one gives a system that only ``logger(_:)`` writes to. Also makes the process ignore SIGPIPE, so
    /// that a closed standard error does not end it.
    package static func bootstrap(configuration: LogConfiguration) -> LogSystem {
        let system = LogSystem(configuration: configuration)
        let isFirst = isBootstrapped.withLock { isBootstrapped in
            defer { isBootstrapped = true }
            return !isBootstrapped
        }
        if isFirst {
            signal(SIGPIPE, SIG_IGN)
            LoggingSystem.bootstrap(
                { label, provider in system.handler(label, provider) }, metadataProvider: nil)
        }
        return system
    }

    /// A logger that writes to this system.
    /// - Parameter name: Such as `perigee.git`.
    package func logger(_ name: String) -> Logger {
        Logger(label: name, factory: { label in self.handler(label, nil) })
    }

    /// Changes the level of a logger and of those below it, also of loggers that exist already.
    /// - Parameters:
    ///   - level: `nil` makes the logger follow the one above again.
    ///   - name: Need not exist yet; `ROOT` for the root.
    package func setLevel(_ level: Logger.Level?, logger name: String) {
        levelTable.set(level, for: name)
    }

    /// The level that holds for a logger.
    package func level(logger name: String) -> Logger.Level {
        levelTable.level(of: name)
    }

    /// All levels that have been set, by name, and that of `ROOT`.
    package func levels() -> [String: Logger.Level] {
        levelTable.all
    }

    /// How many lines were dropped because too many waited or the file could not be written.
    package var droppedCount: Int { writer.droppedCount }

    /// Writes out what has been logged; waits for at most two seconds. Call it last.
    package func flush() {
        writer.flush()
    }

    private func handler(_ label: String, _ provider: Logger.MetadataProvider?) -> any LogHandler {
        LogLineHandler(
            label: label, cell: levelTable.cell(for: label), writer: writer, metadataProvider: provider)
    }
}
