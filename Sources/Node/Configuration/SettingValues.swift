import Configuration

/// Typed access to the values of known settings, with the table's defaults.
struct SettingValues {
    let reader: ConfigReader
    let home: String

    func string(_ setting: Setting) throws -> String {
        try optionalString(setting) ?? ""
    }

    /// An empty text counts as none.
    func optionalString(_ setting: Setting) throws -> String? {
        guard case .string(let text)? = try content(setting), !text.isEmpty else { return nil }
        return text
    }

    /// An absolute path.
    func optionalPath(_ setting: Setting) throws -> String? {
        try optionalString(setting).map { $0.hasPrefix("/") ? $0 : "\(home)/\($0)" }
    }

    func bool(_ setting: Setting) throws -> Bool {
        guard case .bool(let value)? = try content(setting) else { return false }
        return value
    }

    func int(_ setting: Setting) throws -> Int {
        guard case .int(let value)? = try content(setting) else { return 0 }
        return value
    }

    func seconds(_ setting: Setting) throws -> Duration {
        .seconds(try int(setting))
    }

    func strings(_ setting: Setting) throws -> [String] {
        guard case .stringArray(let words)? = try content(setting) else { return [] }
        return words
    }

    private func content(_ setting: Setting) throws -> ConfigContent? {
        let key = ConfigKey(setting.name)
        let given: ConfigContent? =
            switch setting.kind.type {
            case .int: reader.int(forKey: key).map { .int($0) }
            case .bool: reader.bool(forKey: key).map { .bool($0) }
            case .stringArray: reader.stringArray(forKey: key).map { .stringArray($0) }
            default: reader.string(forKey: key, isSecret: setting.isSecret).map { .string($0) }
            }
        return given ?? setting.defaultText.flatMap { setting.kind.content(of: $0) }
    }
}
