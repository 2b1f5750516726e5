package import Logging

/// Where log lines go and which are written.
package struct LogConfiguration: Sendable {
    /// Folder of `perigee.log`, made when it is missing; `nil` for no file.
    package var directory: String?
    /// Whether lines also go to standard error.
    package var standardError: Bool
    /// The root's level, for loggers of which nothing nearer is said.
    package var defaultLevel: Logger.Level
    /// Levels by logger name; a name also stands for those below it: `perigee` for `perigee.git`.
    package var levels: [String: Logger.Level]
    /// Size at which the file is renamed and begun anew.
    package var fileBytesMax: Int
    /// How many renamed files are kept: `perigee.log.1` is the newest.
    package var filesKept: Int

    /// - Parameters:
    ///   - directory: Folder of `perigee.log`; `nil` for no file.
    ///   - standardError: Whether lines also go to standard error.
    ///   - defaultLevel: The root's level.
    ///   - levels: Levels by logger name.
    ///   - fileBytesMax: 10 MiB unless told.
    ///   - filesKept: 5 unless told.
    package init(
        directory: String?, standardError: Bool = true, defaultLevel: Logger.Level = .info,
        levels: [String: Logger.Level] = [:], fileBytesMax: Int = 10 * 1024 * 1024, filesKept: Int = 5
    ) {
        self.directory = directory
        self.standardError = standardError
        self.defaultLevel = defaultLevel
        self.levels = levels
        self.fileBytesMax = fileBytesMax
        self.filesKept = filesKept
    }
}
