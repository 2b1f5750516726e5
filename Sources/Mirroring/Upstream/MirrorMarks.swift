internal import SharedDatabase

/// Two numbers of the upstream's database, the same on all of its nodes: a mirror says which it has seen
/// last, and hears at once when they are others.
struct MirrorMarks: Sendable, Hashable {
    /// Another one when projects, repositories or mirrors may have changed.
    let catalogue: String
    /// Another one when somebody may do less than before.
    let rights: String

    /// What the nodes are woken with.
    static let news = "marks"

    /// What has changed.
    enum Change: Sendable {
        case catalogue
        case rights
        /// A node of the upstream starts, and its predecessor may have died before it told of something; or
        /// the database is an older one than the mirrors have seen.
        case unknown
    }

    fileprivate init(row: DatabaseRow) throws(DatabaseError) {
        catalogue = "\(try row.integer("catalogue"))"
        rights = "\(try row.integer("rights"))"
    }
}

extension DatabaseTransaction {
    /// The marks, and the greatest sequence of a mirror's changes so far; nil when it is not accepted.
    func marks(for mirror: MirrorID) throws -> (marks: MirrorMarks, last: Int64)? {
        try firstRow(
            """
            SELECT k.catalogue AS catalogue, k.rights AS rights,
                (SELECT COALESCE(MAX(c.sequence), 0) FROM mirror_change AS c
                    WHERE c.mirror_id = m.mirror_id) AS last
            FROM mirror AS m JOIN mirror_mark AS k ON k.id = 1
            WHERE m.mirror_id = ? AND m.state = 'ACCEPTED'
            """, [.text(mirror.rawValue)]
        ).map { row in (try MirrorMarks(row: row), try row.integer("last")) }
    }

    /// Changes marks, and wakes the nodes of the upstream.
    func change(_ change: MirrorMarks.Change) throws(DatabaseError) {
        let step: (catalogue: Int64, rights: Int64) =
            switch change {
            case .catalogue: (1, 0)
            case .rights: (0, 1)
            // A number that no mirror has seen, whatever was lost.
            case .unknown: (.random(in: 1_000...1_000_000), .random(in: 1_000...1_000_000))
            }
        try execute(
            "UPDATE mirror_mark SET catalogue = catalogue + ?, rights = rights + ? WHERE id = 1",
            [.integer(step.catalogue), .integer(step.rights)])
        try notify(Deliveries.channel, MirrorMarks.news)
    }
}
