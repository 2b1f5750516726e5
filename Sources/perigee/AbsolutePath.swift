import FoundationEssentials

/// Paths as users type them, made absolute.
enum AbsolutePath {
    /// The path without trailing slashes, counted from the working directory when it is relative.
    static func of(_ path: String) -> String {
        var absolute = path.hasPrefix("/") ? path : "\(FileManager.default.currentDirectoryPath)/\(path)"
        while absolute.count > 1, absolute.hasSuffix("/") { absolute.removeLast() }
        return absolute
    }
}
