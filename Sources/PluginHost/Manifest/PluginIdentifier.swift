/// The rule for plugin ids: lower-case words with hyphens, joined by dots, such as
/// `com.example.branch-report`.
package enum PluginIdentifier {
    /// The longest id, in bytes.
    package static let bytesMax = 100

    /// Whether the text is an id: `^[a-z][a-z0-9-]*(\.[a-z0-9-]+)*$`, at most 100 bytes.
    package static func isValid(_ text: String) -> Bool {
        guard text.utf8.count <= bytesMax, let first = text.utf8.first, (97...122).contains(first) else {
            return false
        }
        return text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { word in
            !word.isEmpty
                && word.utf8.allSatisfy { byte in
                    (97...122).contains(byte) || (48...57).contains(byte) || byte == 45
                }
        }
    }
}
