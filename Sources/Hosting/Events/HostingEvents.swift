internal import ClusterServices
internal import Portable
internal import SharedDatabase

/// Makes the domain's events out of what the log holds.
struct HostingEvents: EventSource {
    /// The key of the event whose facts are in the journal.
    static let refsChanged = "repo:refs_changed"
    /// Changes in one event; a push of more has `truncated`, with their true number.
    static let changesMax = 5_000

    let settings: HostingSettings

    func event(for record: EventRecord, in transaction: DatabaseTransaction) throws -> Event? {
        guard record.key == Self.refsChanged else {
            return Event(
                key: record.key, payload: record.payload ?? [:], repository: record.repository, id: record.id)
        }
        let sql = "SELECT \(JournalEntry.columns) FROM ref_change_journal AS j WHERE j.push_id = ?"
        guard let row = try transaction.firstRow(sql, [.text(record.id)]) else { return nil }
        let entry = try JournalEntry(row: row)
        guard let repository = try transaction.repository(id: entry.repository) else { return nil }
        let links = settings.baseURL
        let actor = try entry.user.flatMap { try transaction.user(id: $0) }.map { Principal(user: $0) }
        var payload: [String: PortableValue] = [
            "eventKey": .string(Self.refsChanged),
            "date": .string(WebhookDate.text(milliseconds: entry.confirmedMilliseconds ?? 0)),
            "actor": (actor ?? .localOperator).portable(links: links),
            "repository": repository.portable(links: links),
            "changes": .list(entry.changes.prefix(Self.changesMax).map { $0.portable() }),
        ]
        if entry.changes.count > Self.changesMax {
            payload["truncated"] = ["changes": .integer(Int64(entry.changes.count))]
        }
        return Event(
            key: Self.refsChanged, payload: .map(payload), repository: repository.id, id: record.id)
    }

    func finished(_ records: [EventRecord], in transaction: DatabaseTransaction) throws {
        let now = try transaction.now()
        for record in records where record.key == Self.refsChanged {
            try transaction.execute(
                "UPDATE ref_change_journal SET state = 'delivered', delivered_at = ? WHERE push_id = ?",
                [.integer(now), .text(record.id)])
        }
    }
}
