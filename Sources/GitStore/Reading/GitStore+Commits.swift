import CGit2
import NIOCore
package import Portable

extension GitStore {
    /// A commit; nil when the object is not there, or is no commit.
    /// - Parameter quarantine: A folder of objects that a push has brought and that are not yet part of the
    ///   repository.
    package func commit(
        _ id: ObjectID, in path: String, quarantine: String? = nil
    ) async throws -> CommitRecord? {
        try await reading(path, quarantine: quarantine) { try $0.commitRecord(id) }
    }

    /// Whether one commit can be reached from another, or is it.
    /// - Returns: false also when one of them is not there, or is no commit.
    package func isAncestor(
        _ ancestor: ObjectID, of descendant: ObjectID, in path: String, quarantine: String? = nil
    ) async throws -> Bool {
        try await reading(path, quarantine: quarantine) { repository in
            for id in [ancestor, descendant] {
                guard try repository.header(id)?.type == GIT_OBJECT_COMMIT else { return false }
            }
            if ancestor == descendant { return true }
            var (old, new) = (ancestor.oid, descendant.oid)
            let code = git_graph_descendant_of(repository.handle, &new, &old)
            try LibGit2.check(code, "compare \(ancestor) with \(descendant)")
            return code == 1
        }
    }

    /// Lists commits, latest first, in the order of `git log`.
    /// - Parameter quarantine: As of ``commit(_:in:quarantine:)``; only for a query with a path.
    /// - Throws: ``GitStoreError/noSuchObject(_:)`` when `until` or `since` is not there, or is no commit.
    package func commits(
        in path: String, query: CommitQuery, quarantine: String? = nil
    ) async throws -> [CommitRecord] {
        guard let filePath = query.path, !filePath.isEmpty else {
            return try await reading(path) { repository in
                try repository.requireCommits([query.until, query.since])
                return try repository.walk(query).map { try repository.requireCommitRecord($0) }
            }
        }
        try await reading(path, quarantine: quarantine) {
            try $0.requireCommits([query.until, query.since])
        }
        let ids = try await identifiers(changing: filePath, in: path, query: query, quarantine: quarantine)
        return try await reading(path, quarantine: quarantine) { repository in
            try ids.map { try repository.requireCommitRecord($0) }
        }
    }

    private func identifiers(
        changing filePath: String, in path: String, query: CommitQuery, quarantine: String?
    ) async throws -> [ObjectID] {
        var arguments = [
            "--git-dir=\(path)", "rev-list", "--skip=\(max(0, query.offset))",
            "--max-count=\(max(0, query.limit))",
        ]
        switch query.merges {
        case .include: break
        case .exclude: arguments.append("--no-merges")
        case .only: arguments.append("--merges")
        }
        arguments += ["--end-of-options", query.until.hex]
        if let since = query.since { arguments.append("^\(since.hex)") }
        arguments += ["--", filePath]
        var environment = GitEnvironment(configuration: configuration)
        if let quarantine { environment.see(quarantine: quarantine) }
        let process = try process(arguments, name: "rev-list", environment: environment)
        let answer = String(buffer: try await process.communicate())
        return try answer.split(separator: "\n").map { line in
            guard let id = ObjectID(line) else {
                throw GitStoreError.unreadable(
                    operation: "git rev-list", reason: "\"\(line.prefix(60))\" is no commit")
            }
            return id
        }
    }
}
