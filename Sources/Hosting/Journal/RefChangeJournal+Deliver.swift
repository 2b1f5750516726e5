internal import ClusterServices
internal import Portable
internal import SharedDatabase

extension RefChangeJournal {
    /// Publishes the confirmed changes of a repository in the order of their confirmation.
    ///
    /// Called by one task per repository. A node that dies after a publication and before it is written down
    /// publishes it again, with the same event id.
    func deliver(in repository: RepositoryID) async throws {
        while !Task.isCancelled {
            let batch = try await nextBatch(in: repository)
            guard !batch.isEmpty else { return }
            var delivered: [Int64] = []
            for entry in batch {
                if Task.isCancelled { break }
                if let event = event(for: entry) { await services.dispatch.deliver(event) }
                delivered.append(entry.entry.id)
            }
            try await markDelivered(delivered)
        }
    }

    private struct Delivery: Sendable {
        let entry: JournalEntry
        let repository: Repository?
        let actor: User?
    }

    private func nextBatch(in repository: RepositoryID) async throws -> [Delivery] {
        try await services.read { transaction in
            let sql = """
                SELECT \(JournalEntry.columns) FROM ref_change_journal AS j
                WHERE j.state = 'confirmed' AND j.repository_id = ? ORDER BY j.confirm_order LIMIT 16
                """
            let current = try transaction.repository(id: repository)
            return try transaction.rows(sql, [.id(repository)]).map { row in
                let entry = try JournalEntry(row: row)
                return Delivery(
                    entry: entry, repository: current,
                    actor: try entry.user.flatMap { try transaction.user(id: $0) })
            }
        }
    }

    /// The event of a change; nil when its repository is gone, or nothing of it concerns anybody.
    private func event(for delivery: Delivery) -> Event? {
        guard let repository = delivery.repository else { return nil }
        let links = services.settings.baseURL
        let actor = delivery.actor.map { Principal(user: $0) } ?? .localOperator
        let date = WebhookDate.text(milliseconds: delivery.entry.confirmedMilliseconds ?? 0)
        return Event(
            key: "repo:refs_changed",
            payload: [
                "eventKey": "repo:refs_changed", "date": .string(date), "actor": actor.portable(links: links),
                "repository": repository.portable(links: links),
                "changes": .list(delivery.entry.changes.map { $0.portable() }),
            ], repository: repository.id, id: delivery.entry.push.rawValue)
    }

    private func markDelivered(_ ids: [Int64]) async throws {
        guard !ids.isEmpty else { return }
        try await services.write { transaction in
            let now = try transaction.now()
            for id in ids {
                try transaction.execute(
                    "UPDATE ref_change_journal SET state = 'delivered', delivered_at = ? WHERE id = ?",
                    [.integer(now), .integer(id)])
            }
        }
    }
}
