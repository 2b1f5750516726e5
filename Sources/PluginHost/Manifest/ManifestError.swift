/// What is wrong with a `plugin.json`: where, and what to do.
package struct ManifestError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The JSON path, such as `permissions.kv`; empty for the whole file.
    package let path: String
    /// What is wrong, as a lower-case clause.
    package let problem: String
    /// The line in the file, from 1; `nil` when it is not known.
    package var line: Int?

    init(_ path: String, _ problem: String, line: Int? = nil) {
        self.path = path
        self.problem = problem
        self.line = line
    }

    /// Place and problem as one line: `plugin.json:5: permissions.kv: ...`.
    package var description: String {
        let place = line.map { "plugin.json:\($0)" } ?? "plugin.json"
        return path.isEmpty ? "\(place): \(problem)" : "\(place): \(path): \(problem)"
    }
}
