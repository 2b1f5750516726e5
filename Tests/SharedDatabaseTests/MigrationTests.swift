import SharedDatabase
import Testing

@Suite struct MigrationTests {
    private let second = Migration(
        name: "test-0002-colour", sqlite: "ALTER TABLE person ADD COLUMN colour TEXT;", postgres: "")

    @Test func `each step is made once and recorded`() async throws {
        let folder = try TestFolder()
        try await folder.withDatabase { database in
            try await database.migrate([people])
            try await database.write { try $0.execute("INSERT INTO person (name) VALUES ('ann')") }
        }
        try await folder.withDatabase { database in
            try await database.migrate([people, second])
            try await database.migrate([people, second])
            let names = try await database.read { transaction in
                try transaction.rows("SELECT name FROM schema_migration WHERE applied_at > 0 ORDER BY name")
                    .map { try $0.text("name") }
            }
            #expect(names == ["test-0001-people", "test-0002-colour"])
            let colour = try await database.read {
                try $0.firstRow("SELECT colour FROM person")?.optionalText("colour")
            }
            #expect(colour == .some(nil))
        }
    }

    @Test func `a database that a newer program has changed is refused by name and left alone`() async throws
    {
        try await TestFolder().withDatabase { database in
            try await database.migrate([people, second])
            let third = Migration(name: "test-0003-x", sqlite: "CREATE TABLE x (id INTEGER);", postgres: "")
            await #expect(throws: DatabaseError.newerSchema(names: ["test-0002-colour"])) {
                try await database.migrate([people, third])
            }
            await #expect(throws: DatabaseError.self) {
                try await database.read { try $0.rows("SELECT id FROM x") }
            }
        }
    }

    @Test func `when a step does not run none is made`() async throws {
        try await TestFolder().withDatabase { database in
            let bad = Migration(
                name: "test-0002-bad", sqlite: "CREATE TABLE y (id INTEGER);\nNONSENSE;", postgres: "")
            await #expect(throws: DatabaseError.self) { try await database.migrate([people, bad]) }
            await #expect(throws: DatabaseError.self) {
                try await database.read { try $0.rows("SELECT id FROM person") }
            }
            try await database.migrate([people])
        }
    }
}
