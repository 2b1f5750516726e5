import Logging

/// Copies all tables of a SQLite database into an empty PostgreSQL database, and compares each row.
///
/// Nobody else may use either. What it was doing is recorded in the target from its first to its last moment,
/// so that no node starts on half a copy, and a move that was cut short is made again from the beginning.
package struct DatabaseMove: Sendable {
    /// What was moved.
    package struct Summary: Sendable, Hashable {
        /// How many tables, and how many rows they hold together.
        package var tables: Int
        /// Each of them was read from both databases and found equal.
        package var rows: Int
    }

    /// The step that a target has on record while it is incomplete.
    package static let unfinished = "database-move-unfinished"

    private let source: SharedDatabase
    private let target: SharedDatabase
    private let migrations: [Migration]
    /// How many rows a transaction takes, and the bytes after which it takes no more.
    private static let batchRowsMax = 500

    /// - Parameter source: On SQLite.
    /// - Parameter target: On PostgreSQL.
    /// - Parameter migrations: Those of all modules; the source is brought up to date with them too.
    package init(from source: SharedDatabase, to target: SharedDatabase, migrations: [Migration]) {
        self.source = source
        self.target = target
        self.migrations = migrations
    }

    /// Does it.
    /// - Throws: ``DatabaseMoveError``, ``DatabaseError``. The source is then as it was, and the target is no
    ///   database that a node starts on.
    package func run() async throws -> Summary {
        try await source.migrate(migrations)
        try await prepareTarget()
        let tables = try await source.read { try MovedTable.all(in: $0) }
        let order = try MovedTable.ordered(tables)
        try await target.write { transaction in
            // What a migration puts into a table is in the source as well.
            for table in order.reversed() { try transaction.execute("DELETE FROM \(table.name)") }
        }
        var summary = Summary(tables: order.count, rows: 0)
        for table in order { summary.rows += try await copy(table) }
        for table in order { try await compare(table) }
        try await setIdentities(order)
        try await target.write { transaction in
            try transaction.execute(
                "DELETE FROM schema_migration WHERE name = ?", [.text(DatabaseMove.unfinished)])
        }
        return summary
    }

    /// Makes the tables in an empty database; empties one that an earlier move has left incomplete.
    private func prepareTarget() async throws {
        let tables = try await target.read { transaction in
            try transaction.rows(
                """
                SELECT c.relname AS name FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
                WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p', 'v', 'm', 'f') ORDER BY 1
                """
            ).map { try $0.text("name") }
        }
        if !tables.isEmpty {
            guard tables.contains("schema_migration"), try await isUnfinished() else {
                throw DatabaseMoveError.notEmpty(tables: tables)
            }
            try await target.write { transaction in
                for table in tables { try transaction.execute("DROP TABLE \"\(table)\" CASCADE") }
            }
        }
        let unfinished = Migration(
            name: DatabaseMove.unfinished, sqlite: "", postgres: "SELECT 1;")
        try await target.migrate([unfinished] + migrations)
    }

    private func isUnfinished() async throws -> Bool {
        try await target.read { transaction in
            try transaction.firstRow(
                "SELECT name FROM schema_migration WHERE name = ?", [.text(DatabaseMove.unfinished)]) != nil
        }
    }

    private func copy(_ table: MovedTable) async throws -> Int {
        var last: [DatabaseValue]?
        var count = 0
        while let page = try await page(of: table, after: last), let end = page.last {
            try await target.write(durability: .process) { transaction in
                for row in page {
                    do {
                        try transaction.execute(table.insertion, row)
                    } catch {
                        throw DatabaseMoveError.row(
                            table: table.name, key: table.key(of: row), reason: "\(error)")
                    }
                }
            }
            count += page.count
            last = table.keyValues(of: end)
        }
        return count
    }

    private func compare(_ table: MovedTable) async throws {
        var last: [DatabaseValue]?
        var count: Int64 = 0
        while let page = try await page(of: table, after: last), let end = page.last {
            try await target.read { transaction in
                for row in page {
                    let found = try transaction.firstRow(table.lookUp, table.keyValues(of: row))
                    let values = try found.map { found in try table.columns.map { try found.value($0) } }
                    guard values == row else {
                        throw DatabaseMoveError.row(
                            table: table.name, key: table.key(of: row), reason: "the copy is not equal")
                    }
                }
            }
            count += Int64(page.count)
            last = table.keyValues(of: end)
        }
        let copied = try await target.read { try $0.firstRow("SELECT count(*) AS n FROM \(table.name)") }
        guard try copied?.integer("n") == count else {
            throw DatabaseMoveError.row(table: table.name, key: "", reason: "the copy has other rows as well")
        }
    }

    /// Numbers go on where the source would have gone on, so that none is ever given twice.
    private func setIdentities(_ tables: [MovedTable]) async throws {
        let given = try await source.read { transaction in
            try transaction.rows("SELECT name, seq FROM sqlite_sequence").map {
                (try $0.text("name"), try $0.integer("seq"))
            }
        }
        let names = Set(tables.map(\.name))
        try await target.write { transaction in
            for (name, last) in given where last > 0 && names.contains(name) {
                _ = try transaction.rows(
                    "SELECT setval(pg_get_serial_sequence(?, 'id'), ?)", [.text(name), .integer(last)])
            }
        }
    }

    /// The rows that follow a key, in the order of keys.
    private func page(of table: MovedTable, after key: [DatabaseValue]?) async throws -> [[DatabaseValue]]? {
        try await source.read { transaction in
            let rows = try transaction.rows(
                table.page(isFirst: key == nil, limit: DatabaseMove.batchRowsMax), key ?? [])
            return rows.isEmpty ? nil : try rows.map { row in try table.columns.map { try row.value($0) } }
        }
    }
}
