import GitStore
import Portable

/// Walks commits while a push is judged: its new ones wait in quarantine, where only reads by id find them.
struct PushedCommits {
    let git: GitStore
    let path: String
    let quarantine: String

    /// The commits from `tip` on, the newest first and each before its parents.
    /// - Parameter since: Neither it nor what it can reach is listed; nil leaves out nothing.
    /// - Parameter limit: The walk ends after so many.
    func list(tip: ObjectID, since: ObjectID?, limit: Int) async throws -> [CommitRecord] {
        var found: [CommitRecord] = []
        var frontier: [CommitRecord] = []
        var seen: Set<ObjectID> = []
        try await add(tip, to: &frontier, &seen)
        while !Task.isCancelled, found.count < limit, let newest = Self.takeNewest(&frontier) {
            if let since, try await git.isAncestor(newest.id, of: since, in: path, quarantine: quarantine) {
                continue
            }
            found.append(newest)
            for parent in newest.parents { try await add(parent, to: &frontier, &seen) }
        }
        return found
    }

    private func add(
        _ id: ObjectID, to frontier: inout [CommitRecord], _ seen: inout Set<ObjectID>
    ) async throws {
        guard seen.insert(id).inserted else { return }
        if let record = try await git.commit(id, in: path, quarantine: quarantine) { frontier.append(record) }
    }

    private static func takeNewest(_ frontier: inout [CommitRecord]) -> CommitRecord? {
        let index = frontier.indices.max {
            frontier[$0].committer.timestamp < frontier[$1].committer.timestamp
        }
        return index.map { frontier.remove(at: $0) }
    }
}
