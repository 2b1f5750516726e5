/// Which hosts are meant: `git.example.com`, `*.example.com` for all below it, or `*` for every one.
package struct HostPattern: Sendable, Hashable {
    /// As written, in small letters.
    package let text: String

    /// Nil when the text is neither a name, an address nor one of the patterns.
    package init?(_ text: String) {
        let lower = text.lowercased()
        let name = lower.hasPrefix("*.") ? lower.dropFirst(2) : lower[...]
        let isPlain = name.utf8.allSatisfy { byte in
            switch UnicodeScalar(byte) {
            case "a"..."z", "0"..."9", "-", "_", ".", ":": true
            default: false
            }
        }
        guard lower == "*" || isPlain && !name.isEmpty && name.utf8.count <= 253 && !name.hasPrefix("."),
            !name.hasPrefix("-")
        else { return nil }
        self.text = lower
    }

    /// - Parameter host: In small letters; an IPv6 address without brackets.
    package func matches(_ host: String) -> Bool {
        if text == "*" || text == host { return true }
        return text.hasPrefix("*.") && host.utf8.count >= text.utf8.count
            && host.hasSuffix(text.dropFirst())
    }
}
