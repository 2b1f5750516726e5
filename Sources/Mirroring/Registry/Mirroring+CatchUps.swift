internal import Hosting
package import Portable
internal import SharedDatabase

/// What comparisons have brought to mirrors: the event is raised once all of a farm has it.
extension Mirroring {
    /// How many repositories a node may name at once.
    package static let caughtUpMax = 1_000
    /// So many events are written at a time; others write in between.
    private static let eventsMax = 200

    /// A node of a mirror has everything that there was when it compared, and says what came by that.
    ///
    /// `mirror:repo_synchronized` is raised for a repository when every live node of the mirror has settled a
    /// comparison of that time or later.
    /// - Parameter date: When the upstream looked, as its catalogue said.
    /// - Throws: ``MirroringError``, `HostingError`.
    package func noteCaughtUp(
        _ caller: MirrorCaller, date: Int64, _ repositories: [RepositoryID]
    ) async throws {
        let mirror = caller.mirror.id
        let isFirst = try await registry.tables.write(durability: .process) { transaction in
            let noted = try transaction.execute(
                """
                UPDATE mirror_node SET compared_at = ?
                WHERE mirror_id = ? AND node_id = ? AND COALESCE(compared_at, 0) < ?
                """, [.integer(date), .text(mirror.rawValue), .text(caller.node), .integer(date)])
            for repository in repositories {
                try transaction.enqueue(
                    """
                    INSERT INTO mirror_catch_up (mirror_id, repository_id, since) VALUES (?, ?, ?)
                    ON CONFLICT (mirror_id, repository_id) DO UPDATE SET since =
                        CASE WHEN excluded.since > mirror_catch_up.since THEN excluded.since
                            ELSE mirror_catch_up.since END
                    """, [.text(mirror.rawValue), .id(repository), .integer(date)])
            }
            return noted > 0
        }
        // What a lost answer left is raised with the next one.
        var raised: Int
        repeat {
            raised = try await catalogue.hosting.repositories.announceSynchronized(
                mirror: mirror.rawValue, named: caller.mirror.properties.name
            ) { try $0.takeCaughtUp(mirror, limit: Self.eventsMax) }
        } while raised == Self.eventsMax
        guard isFirst, !repositories.isEmpty else { return }
        // Who compared earlier than this node finds now, and not the next time, that nothing is lacking.
        let waits = try await registry.tables.read { transaction in
            let sql = "SELECT since FROM mirror_catch_up WHERE mirror_id = ? LIMIT 1"
            return try transaction.firstRow(sql, [.text(mirror.rawValue)]) != nil
        }
        if waits { try await deliveries.announceCatalogue() }
    }
}

extension MirrorRegistry {
    /// The time by which comparisons are put in order, in milliseconds since 1970.
    func now() async throws -> Int64 { try await tables.read { try $0.now() } }
}

extension DatabaseTransaction {
    /// Takes what the whole of a mirror has by now.
    fileprivate func takeCaughtUp(_ mirror: MirrorID, limit: Int) throws -> [RepositoryID] {
        let found = try rows(
            """
            SELECT c.repository_id AS repository_id FROM mirror_catch_up AS c
            WHERE c.mirror_id = ? AND NOT EXISTS (
                SELECT 1 FROM mirror_node AS n WHERE n.mirror_id = c.mirror_id AND n.seen_at > ?
                    AND COALESCE(n.compared_at, 0) < c.since)
            ORDER BY c.repository_id LIMIT ?
            """,
            [
                .text(mirror.rawValue), .integer(try now() - MirrorNode.leaseMilliseconds),
                .integer(Int64(limit)),
            ])
        let ids: [RepositoryID] = try found.map { try $0.id("repository_id") }
        // Another node of the upstream may have taken some meanwhile.
        return try ids.filter {
            try execute(
                "DELETE FROM mirror_catch_up WHERE mirror_id = ? AND repository_id = ?",
                [.text(mirror.rawValue), .id($0)]) > 0
        }
    }
}
