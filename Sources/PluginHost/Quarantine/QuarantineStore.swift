import SharedDatabase

/// Which plugins are in quarantine, in the database that all nodes share.
struct QuarantineStore: Sendable {
    let database: SharedDatabase

    func fetch(_ plugin: String) async throws -> Quarantine? {
        try await database.read { transaction in
            try transaction.firstRow(
                "SELECT reason, node, since FROM plugin_quarantine WHERE plugin_id = ?", [.text(plugin)]
            ).map(Self.quarantine)
        }
    }

    /// All of them by plugin; an administrator looks after each, so they are few.
    func fetchAll() async throws -> [String: Quarantine] {
        try await database.read { transaction in
            let rows = try transaction.rows(
                "SELECT plugin_id, reason, node, since FROM plugin_quarantine ORDER BY plugin_id LIMIT 10000")
            var all: [String: Quarantine] = [:]
            for row in rows { all[try row.text("plugin_id")] = try Self.quarantine(row) }
            return all
        }
    }

    /// - Returns: What holds now: the first one, where two nodes see the same plugin misbehave.
    func put(_ plugin: String, reason: String, node: String) async throws -> Quarantine {
        try await database.write { transaction in
            let now = try transaction.now()
            try transaction.execute(
                """
                INSERT INTO plugin_quarantine (plugin_id, reason, node, since) VALUES (?, ?, ?, ?)
                ON CONFLICT (plugin_id) DO NOTHING
                """, [.text(plugin), .text(reason), .text(node), .integer(now)])
            let row = try transaction.firstRow(
                "SELECT reason, node, since FROM plugin_quarantine WHERE plugin_id = ?", [.text(plugin)])
            return try row.map(Self.quarantine) ?? Quarantine(reason: reason, node: node, since: now)
        }
    }

    /// - Returns: Whether it was there.
    func remove(_ plugin: String) async throws -> Bool {
        try await database.write { transaction in
            try transaction.execute("DELETE FROM plugin_quarantine WHERE plugin_id = ?", [.text(plugin)]) > 0
        }
    }

    private static func quarantine(_ row: DatabaseRow) throws -> Quarantine {
        Quarantine(
            reason: try row.text("reason"), node: try row.text("node"), since: try row.integer("since"))
    }
}
