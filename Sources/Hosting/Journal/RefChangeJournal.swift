package import Portable
internal import SharedDatabase

/// What happened to refs, written down so that each acknowledged change gives at least one event.
///
/// A row goes from intended (before git moves the refs) to confirmed (before the client reads the report) to
/// delivered (after every subscriber of the event has finished). A node that dies leaves intended rows, which
/// the
/// refs on disk then confirm or drop, and confirmed ones, which are then delivered.
package struct RefChangeJournal: Sendable {
    let services: Services

    /// How long delivered rows are kept.
    static let keptMilliseconds: Int64 = 30 * 86_400_000

    /// Writes down, durably, what is about to happen.
    func intend(
        _ push: PushID, repository: RepositoryID, user: UserID?, trigger: PushTrigger, changes: [RefChange]
    ) async throws {
        let bytes = try JournalCoding.encode(changes)
        try await services.write { [node = services.node] transaction in
            let sql = """
                INSERT INTO ref_change_journal (push_id, node_id, repository_id, user_id, push_trigger,
                    changes, state,
                    created_at) VALUES (?, ?, ?, ?, ?, ?, 'intended', ?)
                """
            try transaction.execute(
                sql,
                [
                    .text(push.rawValue), .text(node.rawValue), .id(repository), .id(user),
                    .text(trigger.rawValue),
                    .blob(bytes), .integer(transaction.now()),
                ])
        }
    }

    /// Writes down, durably, that it happened, and queues its event. Confirming again does nothing.
    /// - Parameter changes: What happened of what was intended; none drops the row.
    func confirm(_ push: PushID, repository: RepositoryID, changes: [RefChange]) async throws {
        guard !changes.isEmpty else { return try await discard(push) }
        let bytes = try JournalCoding.encode(changes)
        let isKnown = try await services.write { transaction in
            // The order of confirmation is the order of delivery.
            let sql = """
                UPDATE ref_change_journal SET state = 'confirmed', changes = ?, confirmed_at = ?,
                    confirm_order = (SELECT COALESCE(MAX(o.confirm_order), 0) + 1 FROM ref_change_journal AS o
                        WHERE o.repository_id = ?)
                WHERE push_id = ? AND state = 'intended'
                """
            let arguments: [DatabaseValue] = [
                .blob(bytes), .integer(try transaction.now()), .id(repository), .text(push.rawValue),
            ]
            if try transaction.execute(sql, arguments) > 0 { return true }
            let row = try transaction.firstRow(
                "SELECT id FROM ref_change_journal WHERE push_id = ?", [.text(push.rawValue)])
            return row != nil
        }
        guard isKnown else {
            throw HostingError.unavailable(reason: "the journal has no row for push \(push)")
        }
        services.dispatch.journalIsDue(repository)
    }

    /// Drops what was intended and did not happen.
    func discard(_ push: PushID) async throws {
        try await services.write { transaction in
            try transaction.execute(
                "DELETE FROM ref_change_journal WHERE push_id = ? AND state = 'intended'",
                [.text(push.rawValue)])
        }
    }

    /// The last changes of a repository, newest first, in any state.
    package func recent(in repository: RepositoryID, limit: Int) async throws -> [JournalEntry] {
        try await services.read { transaction in
            let sql = """
                SELECT \(JournalEntry.columns) FROM ref_change_journal AS j WHERE j.repository_id = ?
                ORDER BY j.id DESC LIMIT ?
                """
            return try transaction.rows(sql, [.id(repository), .integer(Int64(max(0, limit)))])
                .map(JournalEntry.init(row:))
        }
    }

    /// The repositories that have confirmed changes to deliver, or intended ones that this node left.
    func repositoriesDue() async throws -> [RepositoryID] {
        try await services.read { [node = services.node] transaction in
            let sql = """
                SELECT DISTINCT j.repository_id AS repository_id FROM ref_change_journal AS j
                WHERE (j.state = 'confirmed' OR j.state = 'intended') AND j.node_id = ?
                """
            return try transaction.rows(sql, [.text(node.rawValue)]).map { try $0.id("repository_id") }
        }
    }

    /// Removes delivered rows that are older than a month.
    func removeOld() async throws {
        try await services.write { transaction in
            try transaction.execute(
                "DELETE FROM ref_change_journal WHERE state = 'delivered' AND delivered_at < ?",
                [.integer(transaction.now() - Self.keptMilliseconds)])
        }
    }
}
