import Logging

extension SharedDatabase {
    /// Brings the tables up to date, in one transaction, and records each step in table `schema_migration`.
    /// - Parameter migrations: Those of all modules at once, in the order in which they depend on each other.
    /// - Throws: ``DatabaseError/newerSchema(names:)`` when the database has steps that are not in the list
    ///   and
    /// are recorded as such that older programs cannot live with, so that these never work on such tables;
    ///   ``DatabaseError`` when a step does not run.
    ///   Nothing is changed then.
    package func migrate(_ migrations: [Migration]) async throws {
        let engine = engine
        let applied = try await engine.write(.disk) { transaction in
            try transaction.prepareMigration()
            try transaction.execute(
                """
                CREATE TABLE IF NOT EXISTS schema_migration (
                    name TEXT PRIMARY KEY NOT NULL, applied_at BIGINT NOT NULL)
                """
            )
            try transaction.execute(
                "CREATE TABLE IF NOT EXISTS schema_additive (name TEXT PRIMARY KEY NOT NULL)")
            let recorded = Set(
                try transaction.rows("SELECT name FROM schema_migration").map { row in try row.text("name") })
            let additive = try transaction.rows("SELECT name FROM schema_additive").map {
                try $0.text("name")
            }
            let unknown = recorded.subtracting(migrations.map(\.name)).subtracting(additive)
            guard unknown.isEmpty else { throw DatabaseError.newerSchema(names: unknown.sorted()) }
            let missing = migrations.filter { !recorded.contains($0.name) }
            for migration in missing {
                for statement in Migration.statements(of: engine.text(of: migration)) {
                    try transaction.execute(statement)
                }
                try transaction.execute(
                    "INSERT INTO schema_migration (name, applied_at) VALUES (?, ?)",
                    [.text(migration.name), .integer(try transaction.now())])
                guard migration.isAdditive else { continue }
                try transaction.execute(
                    "INSERT INTO schema_additive (name) VALUES (?)", [.text(migration.name)])
            }
            return missing.map(\.name)
        }
        for name in applied {
            logger.info("database migrated", metadata: ["migration": "\(name)"])
        }
    }
}
