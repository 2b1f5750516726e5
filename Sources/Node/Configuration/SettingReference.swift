/// The reference of configuration keys in `docs/operating.md`, made from the table.
package enum SettingReference {
    /// A Markdown table: key, value, default, meaning.
    package static func markdown() -> String {
        let head = "| key | value | default | what it does |\n|---|---|---|---|\n"
        return head + SettingTable.settings.map(row).joined()
    }

    private static func row(_ setting: Setting) -> String {
        let fallback = setting.defaultText.map { $0.isEmpty ? "none" : "`\($0)`" } ?? "none"
        let secret = setting.isSecret ? " Secret: never shown in messages or logs." : ""
        return "| `\(setting.name)` | \(setting.kind.expectation) | \(fallback) | \(setting.doc)\(secret) |\n"
    }
}
