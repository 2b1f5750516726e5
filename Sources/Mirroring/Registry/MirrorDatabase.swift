internal import SharedDatabase

/// The module's tables, with their errors as ``MirroringError``.
struct MirrorDatabase: Sendable {
    let database: SharedDatabase

    func read<Value: Sendable>(
        _ body: @escaping @Sendable (DatabaseTransaction) throws -> Value
    ) async throws -> Value {
        do {
            return try await database.lookUp(body)
        } catch let error as DatabaseError {
            throw MirroringError.unavailable(reason: "\(error)")
        }
    }

    @discardableResult
    func write<Value: Sendable>(
        durability: Durability = .disk, _ body: @escaping @Sendable (DatabaseTransaction) throws -> Value
    ) async throws -> Value {
        do {
            return try await database.write(durability: durability, body)
        } catch let error as DatabaseError {
            throw MirroringError.unavailable(reason: "\(error)")
        }
    }
}

extension DatabaseTransaction {
    func mirror(_ id: MirrorID) throws(DatabaseError) -> MirrorServer? {
        try firstRow(
            "SELECT \(MirrorServer.columns) FROM mirror AS m WHERE m.mirror_id = ?", [.text(id.rawValue)]
        ).map { (row) throws(DatabaseError) in try MirrorServer(row: row) }
    }

    /// An accepted mirror.
    func mirror(sshKey key: String) throws(DatabaseError) -> MirrorServer? {
        try firstRow(
            "SELECT \(MirrorServer.columns) FROM mirror AS m WHERE m.ssh_key = ? AND m.state = 'ACCEPTED'",
            [.text(key)]
        ).map { (row) throws(DatabaseError) in try MirrorServer(row: row) }
    }

    func mirror(request id: Int64) throws(DatabaseError) -> MirrorServer? {
        try firstRow("SELECT \(MirrorServer.columns) FROM mirror AS m WHERE m.id = ?", [.integer(id)])
            .map { (row) throws(DatabaseError) in try MirrorServer(row: row) }
    }
}
