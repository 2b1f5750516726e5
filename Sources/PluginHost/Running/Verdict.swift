import Portable

/// Reads what a `before_push` handler returned.
enum Verdict {
    /// The longest text that a git client is shown, in bytes.
    static let textBytesMax = 8 * 1024

    /// `false`, or `nil` with a text, refuses; anything else accepts.
    /// - Returns: The text for the git client; `nil` when the push is accepted.
    static func refusal(_ results: [PortableValue], plugin: PluginManifest) -> String? {
        let text = results.count > 1 ? results[1].stringValue ?? results[1]["message"]?.stringValue : nil
        switch results.first {
        case .bool(false)?: return shown(text ?? "\(plugin.name) refuses this push.")
        case .null?: return text.map(shown)
        default: return nil
        }
    }

    /// What a failed handler means for the push, as the manifest says.
    /// - Returns: The text for the git client; `nil` when the push is accepted all the same.
    static func refusal(of error: any Error, plugin: PluginManifest) -> String? {
        guard plugin.pushFailure == .refuse else { return nil }
        return """
            The plugin "\(plugin.name)" (\(plugin.id)) could not judge this push: \(FailureLog.clause(error)).
            The push is refused. Ask an administrator to look at the log of \(plugin.id).
            """
    }

    /// Line breaks stay, other control characters do not: they would reach the pusher's terminal.
    private static func shown(_ text: String) -> String {
        let clean = String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { scalar in
                    scalar != "\n" && scalar.properties.generalCategory == .control ? " " : scalar
                }))
        guard clean.utf8.count > textBytesMax else { return clean }
        return String(decoding: clean.utf8.prefix(textBytesMax), as: UTF8.self) + "... (cut)"
    }
}
