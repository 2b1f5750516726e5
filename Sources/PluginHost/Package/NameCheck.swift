/// Refuses names in one plugin that would meet on some file system: equal ones, and ones that differ only in
/// case.
struct NameCheck {
    private var folded: [String: String] = [:]
    private var folders: Set<String> = []

    mutating func add(_ name: String, isFolder: Bool) throws(PackageError) {
        let key = name.lowercased()
        if let other = folded[key] {
            let reason = other == name ? "is there twice" : "differs from \"\(other)\" only in case"
            throw .badEntry(name: name, reason: reason)
        }
        folded[key] = name
        if isFolder { folders.insert(key) }
        try addParents(of: name)
    }

    /// A folder need not have an entry of its own; a file cannot be one.
    private mutating func addParents(of name: String) throws(PackageError) {
        var parent = ""
        for word in name.split(separator: "/").dropLast() {
            parent += parent.isEmpty ? word : "/\(word)"
            let key = parent.lowercased()
            if let other = folded[key] {
                guard folders.contains(key), other == parent else {
                    let reason =
                        other == parent ? "lies below a file" : "differs from \"\(other)\" only in case"
                    throw .badEntry(name: name, reason: reason)
                }
            } else {
                folded[key] = parent
                folders.insert(key)
            }
        }
    }
}
