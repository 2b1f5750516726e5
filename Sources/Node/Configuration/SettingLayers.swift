import Configuration
import FoundationEssentials

/// The configuration as given: command line over environment over file, each value checked against the table.
struct SettingLayers {
    private var commandLine: [SettingEntry]
    private var environment: [SettingEntry]
    private var file: [SettingEntry]

    /// - Parameter overrides: The texts of `--property`, each `key=value`.
    /// - Parameter environment: The process' environment; only names with `PERIGEE_` count.
    /// - Parameter propertiesFile: Read when it exists.
    /// - Throws: ``ConfigurationError`` for the first problem, in the order file, environment, command line.
    init(
        propertiesFile: String, environment variables: [String: String], overrides: [String]
    ) throws(ConfigurationError) {
        file = try Self.entries(ofFile: propertiesFile)
        environment = try Self.entries(ofEnvironment: variables)
        commandLine = try Self.entries(ofOverrides: overrides)
        for entry in file + environment + commandLine { try Self.check(entry) }
    }

    /// A reader over the layers, the most specific first.
    var reader: ConfigReader {
        ConfigReader(providers: [
            SettingsProvider(name: "command line", entries: commandLine),
            SettingsProvider(name: "environment", entries: environment),
            SettingsProvider(name: "perigee.properties", entries: file),
        ])
    }

    /// The keys of a pattern that have a value, without the pattern's prefix.
    func names(of pattern: Setting) -> Set<String> {
        Set(
            (file + environment + commandLine).map(\.key).filter(pattern.matches)
                .map { String($0.dropFirst(pattern.patternPrefix.count)) })
    }

    private static func check(_ entry: SettingEntry) throws(ConfigurationError) {
        guard let setting = SettingTable.setting(for: entry.key) else {
            throw .unknownKey(
                name: entry.key, source: entry.source, nearest: SettingTable.nearest(to: entry.key))
        }
        guard setting.kind.content(of: entry.text) != nil else {
            throw .wrongValue(
                name: entry.key, source: entry.source, value: setting.isSecret ? nil : entry.text,
                expected: setting.kind.expectation)
        }
    }

    private static func entries(ofFile path: String) throws(ConfigurationError) -> [SettingEntry] {
        guard FileManager.default.fileExists(atPath: path) else { return [] }
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw .unreadableFile(path: path, reason: "cannot be read")
        }
        do {
            return try PropertiesParser.parse(Array(bytes)).map {
                SettingEntry(key: $0.key, text: $0.value, source: .file(path: path, line: $0.line))
            }
        } catch {
            throw .malformedFile(path: path, line: error.line, reason: error.reason)
        }
    }

    private static func entries(
        ofEnvironment variables: [String: String]
    ) throws(ConfigurationError)
        -> [SettingEntry]
    {
        var entries: [SettingEntry] = []
        for (name, text) in variables.sorted(by: { $0.key < $1.key }) where name.hasPrefix("PERIGEE_") {
            if foreignVariables.contains(name) { continue }
            let source = SettingSource.environment(name: name)
            guard let key = EnvironmentNames.key(for: name) else {
                throw .unknownKey(name: name, source: source, nearest: EnvironmentNames.nearest(to: name))
            }
            entries.append(SettingEntry(key: key, text: text, source: source))
        }
        return entries
    }

    /// Variables of our own that are no configuration: the command line's defaults, and what git's hooks are
    /// given.
    private static let foreignVariables: Set = [
        "PERIGEE_HOME", "PERIGEE_SHARED_HOME", "PERIGEE_HOOK_SOCKET", "PERIGEE_HOOK_SECRET",
        "PERIGEE_TOKEN", "PERIGEE_PASSWORD",
    ]

    private static func entries(ofOverrides overrides: [String]) throws(ConfigurationError) -> [SettingEntry]
    {
        var entries: [SettingEntry] = []
        for override in overrides {
            guard let equals = override.firstIndex(of: "="), equals != override.startIndex else {
                throw .malformedOverride(override)
            }
            let text = String(override[override.index(after: equals)...])
            entries.append(
                SettingEntry(key: String(override[..<equals]), text: text, source: .commandLine))
        }
        return entries
    }
}
