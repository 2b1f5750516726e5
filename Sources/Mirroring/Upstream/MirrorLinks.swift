package import Portable
internal import SharedDatabase

/// The questions that the nodes of mirrors keep open: what is new for me?
package struct MirrorLinks: Sendable {
    let tables: MirrorDatabase
    let bells: Bells

    /// What a node says of itself when it asks.
    package struct Question: Sendable {
        /// The greatest sequence that it has heard of; nil at the beginning.
        package var cursor: Int64?
        /// How far it is.
        package var state: MirrorNodeState
        /// What people read.
        package var name: String
        /// Where its fellows find it.
        package var address: String
        /// Of Perigee.
        package var version: String
        /// What it was told last of the catalogue.
        package var catalogue: String?
        /// What it was told last of rights.
        package var rights: String?
        /// What it adds.
        package var facts = NodeFacts()

        /// Everything that a node says.
        package init(
            cursor: Int64?, state: MirrorNodeState, name: String, address: String, version: String,
            catalogue: String?, rights: String?
        ) {
            self.cursor = cursor
            self.state = state
            self.name = name
            self.address = address
            self.version = version
            self.catalogue = catalogue
            self.rights = rights
        }
    }

    /// What a node says of itself that nobody waits for.
    package struct NodeFacts: Sendable {
        /// What addresses for cloning over SSH begin with.
        package var sshURL: String?
        /// How many repositories are not as they are here, as far as it has heard.
        package var waiting: Int64 = 0
        /// For how long the first of them, in milliseconds.
        package var behindMilliseconds: Int64 = 0
        /// The repositories that it has; nil when that is as it was.
        package var copies: IDList?
        /// Those whose last fetch failed; likewise.
        package var failing: IDList?

        /// Nothing in particular.
        package init() {}
    }

    /// What a node is told.
    package struct Reply: Sendable {
        /// What to say as the cursor of the next question.
        package let cursor: Int64
        /// What to do, in this order.
        package let work: [MirrorWork]
        /// Whether the node is too late, and has to compare everything before it serves again.
        package let isBehind: Bool
        /// Changes when projects or repositories may have changed.
        package let catalogue: String
        /// Changes when somebody may do less than before.
        package let rights: String
        /// The nodes of the mirror, this one included.
        package let nodes: [MirrorNode]
    }

    private static let workMax: Int64 = 500
    /// How long a question stays open at most: well below the lease, which only a new question renews, as an
    /// open connection does not say that anybody is at its other end.
    package static let waitMax = Duration.seconds(2)

    /// Answers at once when there is something new, and else when there is, or the time is over.
    package func ask(
        _ question: Question, by caller: MirrorCaller, wait: Duration
    ) async throws -> Reply {
        let bell = "work \(caller.mirror.id)"
        let deadline = ContinuousClock.now + min(wait, Self.waitMax)
        var isFirst = true
        while true {
            let ticket = bells.ticket(bell)
            let reply = try await look(question, by: caller, isFirst: isFirst)
            isFirst = false
            let rest = deadline - .now
            let isNew =
                !reply.work.isEmpty || reply.isBehind || question.cursor == nil
                || question.catalogue != reply.catalogue || question.rights != reply.rights
            if isNew || rest <= .zero { return reply }
            await bells.wait(bell, after: ticket, atMost: rest)
            try Task.checkCancellation()
        }
    }

    private func look(
        _ question: Question, by caller: MirrorCaller, isFirst: Bool
    ) async throws -> Reply {
        let mirror = caller.mirror.id
        let body: @Sendable (DatabaseTransaction) throws -> Reply = { transaction in
            guard let (marks, last) = try transaction.marks(for: mirror) else {
                throw MirroringError.unauthorized(.unknownIssuer(mirror.rawValue))
            }
            var question = question
            // From before the mirror was removed and accepted anew, or the database set back: it may have
            // missed anything, and joins anew.
            let isAstray = question.cursor.map { $0 > last } ?? false
            if isAstray { question.cursor = nil }
            let isCalledBehind =
                isFirst
                ? try transaction.note(question, by: caller)
                : try transaction.isCalledBehind(caller)
            var work: [MirrorWork] = []
            var cursor = question.cursor ?? last
            if question.cursor != nil {
                let rows = try transaction.rows(
                    """
                    SELECT repository_id, generation, sequence, phase, changes FROM mirror_change
                    WHERE mirror_id = ? AND sequence > ? ORDER BY sequence LIMIT ?
                    """, [.text(mirror.rawValue), .integer(cursor), .integer(Self.workMax)])
                for row in rows {
                    work.append(try MirrorWork(row: row))
                    cursor = try row.integer("sequence")
                }
            }
            return Reply(
                cursor: cursor, work: work, isBehind: isCalledBehind || isAstray,
                catalogue: marks.catalogue, rights: marks.rights,
                nodes: try transaction.mirrorNodes(mirror))
        }
        return isFirst ? try await tables.write(durability: .process, body) : try await tables.read(body)
    }

    /// What a node says of a change that it was given.
    package struct Report: Sendable {
        /// Which repository.
        package var repository: RepositoryID
        /// Up to which change; nil after a comparison, which has to do with no change in particular.
        package var generation: Int64?
        /// How far the node got; nil when it failed.
        package var phase: MirrorWork.Phase?
        /// Why it failed; nil when it did not.
        package var error: String?

        /// One report.
        package init(
            repository: RepositoryID, generation: Int64?, phase: MirrorWork.Phase?, error: String?
        ) {
            self.repository = repository
            self.generation = generation
            self.phase = phase
            self.error = error
        }
    }

    /// Notes how far a node is with what it was given.
    package func report(_ reports: [Report], by caller: MirrorCaller) async throws {
        let mirror = caller.mirror.id
        try await tables.write(durability: .process) { transaction in
            let now = try transaction.now()
            for report in reports {
                let prepared = report.phase == nil ? 0 : report.generation ?? 0
                let published = report.phase == .publish ? report.generation ?? 0 : 0
                let synced: DatabaseValue = report.phase == .publish ? .integer(now) : .null
                let status = report.error == nil ? "AVAILABLE" : "ERROR"
                try transaction.execute(
                    """
                    INSERT INTO mirror_copy (mirror_id, node_id, repository_id, prepared, published, status,
                        failures, last_error, first_synced_at, synced_at)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    ON CONFLICT (mirror_id, node_id, repository_id) DO UPDATE SET
                        prepared = CASE WHEN excluded.prepared > mirror_copy.prepared
                            THEN excluded.prepared ELSE mirror_copy.prepared END,
                        published = CASE WHEN excluded.published > mirror_copy.published
                            THEN excluded.published ELSE mirror_copy.published END,
                        status = excluded.status,
                        failures = CASE WHEN excluded.failures = 0 THEN 0
                            ELSE mirror_copy.failures + 1 END,
                        last_error = excluded.last_error,
                        first_synced_at = COALESCE(mirror_copy.first_synced_at, excluded.first_synced_at),
                        synced_at = COALESCE(excluded.synced_at, mirror_copy.synced_at)
                    """,
                    [
                        .text(mirror.rawValue), .text(caller.node), .id(report.repository),
                        .integer(prepared), .integer(published), .text(status),
                        .integer(report.error == nil ? 0 : 1),
                        .optional(report.error.map { String($0.prefix(1000)) }), synced, synced,
                    ])
            }
            // Who waits, waits for a change of one repository.
            for report in reports where report.generation != nil {
                try transaction.notify(
                    Deliveries.channel, Deliveries.bell(of: report.repository, mirror: mirror))
            }
        }
    }

    /// The nodes of a mirror, by their ids.
    package func nodes(of mirror: MirrorID) async throws -> [MirrorNode] {
        try await tables.read { try $0.mirrorNodes(mirror) }
    }
}

extension DatabaseTransaction {
    fileprivate func isCalledBehind(_ caller: MirrorCaller) throws -> Bool {
        try firstRow(
            "SELECT demand FROM mirror_node WHERE mirror_id = ? AND node_id = ?",
            [.text(caller.mirror.id.rawValue), .text(caller.node)])?.optionalText("demand") != nil
    }

    /// Notes that a node is alive, and how far it says that it is.
    /// - Returns: Whether it is to be told that it is too late.
    fileprivate func note(_ question: MirrorLinks.Question, by caller: MirrorCaller) throws -> Bool {
        let now = try now()
        try execute(
            "UPDATE mirror SET seen_at = ? WHERE mirror_id = ?",
            [.integer(now), .text(caller.mirror.id.rawValue)])
        let row = try firstRow(
            """
            INSERT INTO mirror_node (mirror_id, node_id, name, address, version, state, demand, clock_offset,
                joined_at, seen_at, ssh_url, waiting, behind, copies, failing)
            VALUES (?, ?, ?, ?, ?, ?, NULL, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (mirror_id, node_id) DO UPDATE SET name = excluded.name,
                address = excluded.address, version = excluded.version, state = excluded.state,
                demand = CASE WHEN excluded.state = 'SYNCHRONIZED' THEN mirror_node.demand ELSE NULL END,
                clock_offset = excluded.clock_offset, seen_at = excluded.seen_at,
                joined_at = CASE WHEN ? = 1 THEN excluded.joined_at ELSE mirror_node.joined_at END,
                ssh_url = excluded.ssh_url, waiting = excluded.waiting, behind = excluded.behind,
                copies = COALESCE(excluded.copies, mirror_node.copies),
                failing = COALESCE(excluded.failing, mirror_node.failing)
            RETURNING demand
            """,
            [
                .text(caller.mirror.id.rawValue), .text(caller.node), .text(question.name),
                .text(question.address), .text(question.version), .text(question.state.rawValue),
                .integer(caller.clockOffset), .integer(now), .integer(now),
                .optional(question.facts.sshURL), .integer(question.facts.waiting),
                .integer(question.facts.behindMilliseconds), .optional(question.facts.copies?.text),
                .optional(question.facts.failing?.text), .integer(question.cursor == nil ? 1 : 0),
            ])
        return try row?.optionalText("demand") != nil
    }
}
