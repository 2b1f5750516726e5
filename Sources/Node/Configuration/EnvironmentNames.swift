import Portable

/// How environment variables name configuration keys.
///
/// The name of a key is known from the table; those of a pattern end in the free part in capitals, with `_`
/// for `.`:
/// `PERIGEE_LOGGING_LOGGER_PERIGEE_GIT` is `logging.logger.perigee.git`.
enum EnvironmentNames {
    /// The key that a variable sets; `nil` when there is none.
    static func key(for variable: String) -> String? {
        if let key = keys[variable] { return key }
        for pattern in SettingTable.settings where pattern.isPattern {
            let prefix = String(pattern.environmentName.dropLast("<NAME>".count))
            guard variable.hasPrefix(prefix), variable.count > prefix.count else { continue }
            let name = String(variable.dropFirst(prefix.count))
            let free = name == "ROOT" ? name : name.lowercased().replacing("_", with: ".")
            return pattern.patternPrefix + free
        }
        return nil
    }

    /// The variable that an unknown one resembles most.
    static func nearest(to variable: String) -> String {
        Nearest.closest(variable, among: SettingTable.settings.map(\.environmentName)) ?? variable
    }

    private static let keys = Dictionary(
        uniqueKeysWithValues: SettingTable.settings.filter { !$0.isPattern }.map {
            ($0.environmentName, $0.name)
        })
}
