internal import Hosting
package import Portable
internal import SharedDatabase

/// How a change came through to a mirror.
package struct Delivery: Sendable, Hashable {
    /// The change's number.
    package let generation: Int64
    /// The nodes that show it.
    package let nodes: [String]
    /// The nodes that were waited for in vain, with what they said last.
    package let behind: [String: String]
}

/// Brings changes to mirrors: written down, prepared by every live node, then shown by all.
package struct Deliveries: Sendable {
    let tables: MirrorDatabase
    let bells: Bells

    static let channel = "perigee_mirror"

    /// Rings when a node has said how far it is with a repository.
    static func bell(of repository: RepositoryID, mirror: MirrorID) -> String {
        "report \(mirror) \(repository)"
    }

    /// Brings a change of a repository to a mirror, and waits until all its live nodes show it.
    ///
    /// Changes of one repository must come one after the other. A node that does not follow in time is told
    /// that it is behind, and no longer waited for once it knows, or its lease is over.
    /// - Parameter pulls: The digest of the refs of pull requests, which come along when it is another one
    ///   than the mirror's; nil leaves them as they are.
    /// - Parameter wait: How long each of the two steps may take.
    /// - Throws: ``MirroringError/noSuchMirror(id:)``; ``MirroringError/conflict(message:)`` when no node is
    ///   there: the mirror compares everything when it is back.
    package func deliver(
        _ kind: MirrorWork.Kind, of repository: RepositoryID, to mirror: MirrorID,
        pulls: String? = nil, wait: Duration
    ) async throws -> Delivery {
        let (generation, awaited) = try await begin(kind, of: repository, to: mirror, pulls)
        guard !awaited.isEmpty else {
            throw MirroringError.conflict(message: "no node of mirror \(mirror) is in touch and up to date")
        }
        let step = Step(mirror: mirror, repository: repository, generation: generation, wait: wait)
        var behind: [String: String] = [:]
        var ready = awaited
        if awaited.count > 1 {
            let prepared: Set<String>
            (prepared, behind) = try await settle(step, awaited, reached: "prepared")
            guard !prepared.isEmpty else {
                return Delivery(generation: generation, nodes: [], behind: behind)
            }
            ready = awaited.filter { prepared.contains($0.key) }
            try await publish(step)
        }
        let (shown, late) = try await settle(step, ready, reached: "published")
        return Delivery(
            generation: generation, nodes: shown.sorted(),
            behind: behind.merging(late) { first, _ in first })
    }

    /// Tells a mirror, or all of them, to compare everything.
    package func announceCatalogue() async throws {
        try await announce(.catalogue)
    }

    /// Tells all mirrors that somebody may do less than before.
    package func announceRights() async throws {
        try await announce(.rights)
    }

    func announce(_ change: MirrorMarks.Change) async throws {
        try await tables.write(durability: .process) { try $0.change(change) }
    }

    private struct Step {
        let mirror: MirrorID
        let repository: RepositoryID
        let generation: Int64
        let wait: Duration
    }

    /// - Returns: The change's number, and who is waited for: nodes by their ids, with when they joined.
    private func begin(
        _ kind: MirrorWork.Kind, of repository: RepositoryID, to mirror: MirrorID, _ pulls: String?
    ) async throws -> (Int64, [String: Int64]) {
        let stored = try MessagePack.encode(kind.stored(pulls: pulls), limits: .unlimited)
        return try await tables.write { transaction in
            let sequence = try transaction.nextSequence(of: mirror)
            let all = try transaction.mirrorNodes(mirror)
            let awaited = all.filter(\.isAwaited)
            let nodes = Dictionary(awaited.map { ($0.id, $0.joinedMilliseconds) }) { $1 }
            // The others go on without who is away. Where nobody does, nothing runs ahead of anybody.
            for node in all where !nodes.isEmpty && node.state == .synchronized && !node.isAlive {
                try transaction.callBehind(node.id, of: mirror, isAway: true)
            }
            let phase: MirrorWork.Phase = nodes.count > 1 && kind != .metadata ? .prepare : .publish
            let row = try transaction.firstRow(
                """
                INSERT INTO mirror_change (mirror_id, repository_id, generation, sequence, phase, changes,
                    created_at) VALUES (?, ?, 1, ?, ?, ?, ?)
                ON CONFLICT (mirror_id, repository_id) DO UPDATE SET
                    generation = mirror_change.generation + 1, sequence = excluded.sequence,
                    phase = excluded.phase, changes = excluded.changes, created_at = excluded.created_at
                RETURNING generation
                """,
                [
                    .text(mirror.rawValue), .id(repository), .integer(sequence), .text(phase.rawValue),
                    .blob(stored), .integer(try transaction.now()),
                ])
            try transaction.notify(Self.channel, "work \(mirror)")
            return (try row?.integer("generation") ?? 0, nodes)
        }
    }

    private func publish(_ step: Step) async throws {
        try await tables.write(durability: .process) { transaction in
            let sequence = try transaction.nextSequence(of: step.mirror)
            try transaction.execute(
                """
                UPDATE mirror_change SET phase = 'publish', sequence = ?
                WHERE mirror_id = ? AND repository_id = ? AND generation = ?
                """,
                [
                    .integer(sequence), .text(step.mirror.rawValue), .id(step.repository),
                    .integer(step.generation),
                ])
            try transaction.notify(Self.channel, "work \(step.mirror)")
        }
    }

    /// Waits until the nodes are so far, or nobody need wait for them.
    private func settle(
        _ step: Step, _ nodes: [String: Int64], reached column: String
    ) async throws -> (ready: Set<String>, behind: [String: String]) {
        let bell = Self.bell(of: step.repository, mirror: step.mirror)
        let deadline = ContinuousClock.now + step.wait
        var told: Set<String> = []
        while true {
            let ticket = bells.ticket(bell)
            let (ready, missing, alive) = try await look(step, nodes, column)
            if missing.isEmpty { return (ready, [:]) }
            let late = Set(missing.keys).intersection(alive)
            // Who is no longer alive knows it by its own clock, or hears it when it is back; who has started
            // anew compares everything.
            if late.isEmpty { return (ready, missing) }
            let rest = deadline - .now
            if rest <= .zero, !late.subtracting(told).isEmpty {
                try await callBehind(late, of: step.mirror)
                told.formUnion(late)
            }
            await bells.wait(bell, after: ticket, atMost: rest > .zero ? rest : .seconds(1))
            try Task.checkCancellation()
        }
    }

    private func look(
        _ step: Step, _ nodes: [String: Int64], _ column: String
    ) async throws -> (ready: Set<String>, missing: [String: String], alive: Set<String>) {
        try await tables.read { transaction in
            let rows = try transaction.rows(
                """
                SELECT node_id, prepared, published, last_error FROM mirror_copy
                WHERE mirror_id = ? AND repository_id = ?
                """, [.text(step.mirror.rawValue), .id(step.repository)])
            var ready: Set<String> = []
            var missing = nodes.mapValues { _ in "nothing was heard of it" }
            for row in rows {
                let node = try row.text("node_id")
                guard nodes[node] != nil else { continue }
                if try row.integer(column) >= step.generation {
                    ready.insert(node)
                    missing[node] = nil
                } else if let error = try row.optionalText("last_error") {
                    missing[node] = error
                }
            }
            let all = try transaction.mirrorNodes(step.mirror)
            let alive = all.filter { $0.isAwaited && $0.joinedMilliseconds == nodes[$0.id] }
            return (ready, missing, Set(alive.map(\.id)))
        }
    }

    /// The nodes hear of it with the next answer to their question, and compare before they serve again.
    private func callBehind(_ nodes: Set<String>, of mirror: MirrorID) async throws {
        try await tables.write(durability: .process) { transaction in
            for node in nodes { try transaction.callBehind(node, of: mirror) }
            try transaction.notify(Self.channel, "work \(mirror)")
        }
    }
}

extension DatabaseTransaction {
    /// A node is told with the next answer to its question.
    /// - Parameter isAway: Whether it is known to be behind before it has heard so; it is not told twice.
    fileprivate func callBehind(
        _ node: String, of mirror: MirrorID, isAway: Bool = false
    ) throws(DatabaseError) {
        try execute(
            """
            UPDATE mirror_node SET demand = 'BEHIND', state = CASE WHEN ? = 1 THEN 'BEHIND' ELSE state END
            WHERE mirror_id = ? AND node_id = ?
            """, [.integer(isAway ? 1 : 0), .text(mirror.rawValue), .text(node)])
    }

    /// The next number of a mirror's changes. Locks the mirror's row, so that numbers become visible in
    /// their order.
    /// - Throws: ``MirroringError/noSuchMirror(id:)`` for a mirror that is not accepted.
    func nextSequence(of mirror: MirrorID) throws -> Int64 {
        let found = try firstRow(
            "SELECT id FROM mirror WHERE mirror_id = ? AND state = 'ACCEPTED'\(forUpdate)",
            [.text(mirror.rawValue)])
        guard found != nil else { throw MirroringError.noSuchMirror(id: mirror.rawValue) }
        return try lastSequence(of: mirror) + 1
    }

    /// The greatest number so far.
    func lastSequence(of mirror: MirrorID) throws(DatabaseError) -> Int64 {
        try firstRow(
            "SELECT COALESCE(MAX(sequence), 0) AS last FROM mirror_change WHERE mirror_id = ?",
            [.text(mirror.rawValue)])?.integer("last") ?? 0
    }
}
