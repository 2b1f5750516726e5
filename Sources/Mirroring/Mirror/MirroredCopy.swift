package import Portable
internal import SharedDatabase

/// How a repository of a mirror is; the raw value is what clients see.
/// - Source: Bitbucket Server's REST API, `RestMirroredRepository`.
package enum MirroredStatus: String, Sendable, Hashable {
    /// It is not for this mirror.
    case notMirrored = "NOT_MIRRORED"
    /// It was never fetched whole.
    case initializing = "INITIALIZING"
    /// It is here.
    case available = "AVAILABLE"
    /// It was never fetched whole, and the last fetch failed.
    case errorInitializing = "ERROR_INITIALIZING"
    /// It is here, and the last fetch failed.
    case errorAvailable = "ERROR_AVAILABLE"

    /// Whether it can be cloned.
    package var isAvailable: Bool { self == .available || self == .errorAvailable }
}

/// What a mirror notes of a repository.
package struct MirroredCopy: Sendable {
    /// Which.
    package let repository: RepositoryID
    /// Where it belongs; nil while the repository goes.
    package let project: ProjectID?
    /// How it is.
    package let status: MirroredStatus
    /// Of its refs at the last fetch.
    package let content: String?
    /// Of what the upstream said of it.
    package let metadata: String
    /// How often it has failed since it last went well.
    package let failures: Int64
    /// Why it failed last.
    package let lastError: String?
    /// When it was fetched first, in milliseconds since 1970.
    package let firstSyncedMilliseconds: Int64?
    /// When it was fetched last.
    package let syncedMilliseconds: Int64?
    /// How many bytes have come, while it is being fetched; nil when it is not.
    package let fetchedBytes: Int64?
}

extension MirrorFollower {
    /// What this node notes of its repositories, by their ids.
    /// - Parameter repository: Only this one.
    package func copies(of repository: RepositoryID? = nil) async throws -> [MirroredCopy] {
        let fetching = fetching.all
        return try await tables.read { transaction in
            try transaction.rows(
                """
                SELECT c.repository_id AS repository_id, c.status AS status, c.metadata_hash AS metadata_hash,
                    c.content_hash AS content_hash, c.failures AS failures, c.last_error AS last_error,
                    c.first_synced_at AS first_synced_at, c.synced_at AS synced_at, r.project_id AS project_id
                FROM mirrored_repository AS c LEFT JOIN repository AS r ON r.id = c.repository_id
                \(repository == nil ? "" : "WHERE c.repository_id = ?") ORDER BY c.repository_id
                """, repository.map { [.id($0)] } ?? []
            ).map { row in
                let id: RepositoryID = try row.id("repository_id")
                return MirroredCopy(
                    repository: id, project: try row.optionalID("project_id"),
                    status: MirroredStatus(rawValue: try row.text("status")) ?? .initializing,
                    content: try row.optionalText("content_hash"), metadata: try row.text("metadata_hash"),
                    failures: try row.integer("failures"), lastError: try row.optionalText("last_error"),
                    firstSyncedMilliseconds: try row.optionalInteger("first_synced_at"),
                    syncedMilliseconds: try row.optionalInteger("synced_at"), fetchedBytes: fetching[id])
            }
        }
    }

    /// How many repositories there are for this mirror, and how many of them are here.
    package func progress() async throws -> (synced: Int, total: Int) {
        let copies = try await copies()
        return (copies.count { $0.status.isAvailable }, copies.count)
    }
}
