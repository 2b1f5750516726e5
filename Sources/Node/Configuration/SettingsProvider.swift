package import Configuration

/// One layer of configuration values, of one source, as a provider of swift-configuration.
///
/// Texts are read by the kind that the table of settings gives their key; a text that is not of that kind was
/// refused before the layer was made, so a lookup of a known key never throws.
package struct SettingsProvider: ConfigProvider, ConfigSnapshot {
    /// Which layer this is, for swift-configuration's own messages.
    package let providerName: String
    private let entries: [String: SettingEntry]

    init(name: String, entries: [SettingEntry]) {
        providerName = "SettingsProvider[\(name)]"
        // The last entry of a key holds.
        self.entries = Dictionary(entries.map { ($0.key, $0) }) { $1 }
    }

    /// The value of `key`, in the type asked for.
    /// - Throws: ``ConfigurationError/wrongValue(name:source:value:expected:)`` when it is of another type.
    package func value(forKey key: AbsoluteConfigKey, type: ConfigType) throws -> LookupResult {
        let name = key.components.joined(separator: ".")
        guard let entry = entries[name] else { return LookupResult(encodedKey: name, value: nil) }
        let setting = SettingTable.setting(for: name)
        let kind = setting?.kind ?? .text
        let isSecret = setting?.isSecret ?? true
        guard kind.type == type, let content = kind.content(of: entry.text) else {
            throw ConfigurationError.wrongValue(
                name: name, source: entry.source, value: isSecret ? nil : entry.text,
                expected: kind.expectation)
        }
        return LookupResult(encodedKey: name, value: ConfigValue(content, isSecret: isSecret))
    }

    /// As ``value(forKey:type:)``: all values are in memory.
    package func fetchValue(forKey key: AbsoluteConfigKey, type: ConfigType) async throws -> LookupResult {
        try value(forKey: key, type: type)
    }

    /// The layer itself; it never changes.
    package func snapshot() -> any ConfigSnapshot { self }

    /// Gives the value once, as it never changes.
    package nonisolated(nonsending) func watchValue<Return: ~Copyable>(
        forKey key: AbsoluteConfigKey, type: ConfigType,
        updatesHandler:
            nonisolated(nonsending) (
                ConfigUpdatesAsyncSequence<Result<LookupResult, any Error>, Never>
            ) async throws -> Return
    ) async throws -> Return {
        try await watchValueFromValue(forKey: key, type: type, updatesHandler: updatesHandler)
    }

    /// Gives the layer once, as it never changes.
    package nonisolated(nonsending) func watchSnapshot<Return: ~Copyable>(
        updatesHandler:
            nonisolated(nonsending) (
                ConfigUpdatesAsyncSequence<any ConfigSnapshot, Never>
            ) async throws -> Return
    ) async throws -> Return {
        try await watchSnapshotFromSnapshot(updatesHandler: updatesHandler)
    }
}
