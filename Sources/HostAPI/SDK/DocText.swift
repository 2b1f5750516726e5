import PluginHost

/// Pieces of text that stubs and reference pages share.
enum DocText {
    /// What applies to a function beside its types, one sentence each.
    static func facts(of function: HostFunction) -> [String] {
        var facts: [String] = []
        facts.append(
            function.waits ? "May wait; other handlers of the plugin run meanwhile." : "Answers at once.")
        if function.phase == .registration { facts.append("Only while the main chunk runs.") }
        if let permission = function.permission {
            facts.append("Permission: `\(permission.manifestLine)`.")
        } else {
            facts.append("Permission: none.")
        }
        facts.append("Since api \(function.since).")
        return facts
    }

    /// Text as comment lines of at most about 100 characters.
    static func comment(_ text: String) -> [String] { wrapped(text).map { "---\($0)" } }

    /// Text in lines of at most about 100 characters.
    static func wrapped(_ text: String) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in text.split(whereSeparator: \.isWhitespace) {
            if !line.isEmpty, line.count + 1 + word.count > 100 {
                lines.append(line)
                line = ""
            }
            line += line.isEmpty ? String(word) : " \(word)"
        }
        return line.isEmpty ? lines : lines + [line]
    }
}
