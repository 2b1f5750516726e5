internal import GitStore
internal import Portable
internal import SharedDatabase

extension RefChangeJournal {
    /// Confirms or drops one intended change by what the refs on disk show.
    func settle(_ push: PushID) async throws {
        let found = try await services.read { transaction -> (JournalEntry, [JournalEntry], Repository?)? in
            let sql = """
                SELECT \(JournalEntry.columns) FROM ref_change_journal AS j WHERE j.push_id = ? AND
                    j.state = 'intended'
                """
            guard let row = try transaction.firstRow(sql, [.text(push.rawValue)]) else { return nil }
            let entry = try JournalEntry(row: row)
            let laterSQL = """
                SELECT \(JournalEntry.columns) FROM ref_change_journal AS j WHERE j.repository_id = ? AND
                    j.id > ?
                ORDER BY j.id LIMIT 1000
                """
            let later = try transaction.rows(laterSQL, [.id(entry.repository), .integer(entry.id)])
                .map(JournalEntry.init(row:))
            return (entry, later, try transaction.repository(id: entry.repository))
        }
        guard let (entry, later, repository) = found else { return }
        guard let repository, repository.state == .available else { return try await discard(push) }
        let happened = try await changes(of: entry, later: later, in: repository)
        if !happened.isEmpty {
            try await services.onDisk(repository) { git, path in
                try await git.syncAfterPush(refs: happened.map(\.ref), in: path)
            }
        }
        try await confirm(push, repository: repository.id, changes: happened)
    }

    /// Settles every intended change of a repository that this node left and that is not going on.
    func settleAbandoned(in repository: RepositoryID) async throws {
        let pushes = try await services.read { [node = services.node] transaction in
            let sql = """
                SELECT push_id FROM ref_change_journal
                WHERE repository_id = ? AND state = 'intended' AND node_id = ? ORDER BY id
                """
            return try transaction.rows(sql, [.id(repository), .text(node.rawValue)]).map {
                PushID(try $0.text("push_id"))
            }
        }
        for push in pushes where !services.sessions.isLive(push) { try await settle(push) }
    }

    /// What of a change the refs on disk show to have happened.
    private func changes(
        of entry: JournalEntry, later: [JournalEntry], in repository: Repository
    ) async throws -> [RefChange] {
        let current = try await services.onDisk(repository) { git, path in
            try await RefState(of: entry.changes.map(\.ref), git: git, path: path)
        }
        // A ref that has moved on since tells by the change that found it where this one left it.
        let leftBehind = Set(later.flatMap(\.changes).map { RefPosition(ref: $0.ref, id: $0.from) })
        return entry.changes.filter { change in
            current.value(of: change.ref) == change.to
                || leftBehind.contains(RefPosition(ref: change.ref, id: change.to))
        }
    }
}

/// Where refs are on disk now.
struct RefState {
    private var values: [RefName: ObjectID] = [:]

    /// Reads refs, all at once when they are many.
    init(of refs: [RefName], git: GitStore, path: String) async throws {
        if refs.count > 200 {
            for entry in try await git.refs(in: path, prefix: "refs/") { values[entry.name] = entry.target }
        } else {
            for ref in refs { values[ref] = try await git.ref(ref, in: path)?.target }
        }
    }

    /// The object that a ref names; zero when it does not exist.
    func value(of ref: RefName) -> ObjectID { values[ref] ?? .zero }
}
