/// The rule for the names of files in a plugin: relative, forward slashes, nothing that a file system could
/// twist.
enum PackageFileName {
    /// What is wrong with a name, as a lower-case clause; `nil` when it may be used.
    static func problem(of name: String) -> String? {
        if name.isEmpty { return "has no name" }
        if name.utf8.count > 200 { return "has a name of more than 200 bytes" }
        if name.hasPrefix("/") { return "has an absolute name" }
        guard name.utf8.allSatisfy({ (33...126).contains($0) && $0 != 92 && $0 != 58 }) else {
            return "has a name with a character other than ASCII letters, digits and punctuation"
        }
        let words = name.split(separator: "/", omittingEmptySubsequences: false)
        if words.contains("..") { return "has a name with \"..\"" }
        if words.contains(where: { $0.isEmpty || $0 == "." }) {
            return "has a name with an empty or \".\" part"
        }
        if words.count > 8 { return "is more than 8 folders deep" }
        return nil
    }
}
