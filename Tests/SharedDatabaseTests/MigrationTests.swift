import ClusterTestKit
import SharedDatabase
import Testing

@Suite struct MigrationTests {
    private let second = Migration(
        name: "test-0002-colour", sqlite: "ALTER TABLE person ADD COLUMN colour TEXT;",
        postgres: "ALTER TABLE person ADD COLUMN colour TEXT;")

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

    @Test(arguments: TestEngine.allCases)
    func `a database that a newer program has changed is refused by name and left alone`(
        engine: TestEngine
    ) async throws {
        try await TestDatabase.with(engine) { test in
            let text = "ALTER TABLE thing DROP COLUMN owner;"
            let breaking = Migration(name: "test-0003-break", sqlite: "DROP TABLE thing;", postgres: text)
            try await test.database.migrate([people, second, breaking])
            let other = Migration(
                name: "test-0003-x", sqlite: "CREATE TABLE x (id INTEGER);",
                postgres: "CREATE TABLE x (id BIGINT);")
            await #expect(throws: DatabaseError.newerSchema(names: ["test-0003-break"])) {
                try await test.database.migrate([people, other])
            }
            await #expect(throws: DatabaseError.self) {
                try await test.database.read { try $0.rows("SELECT id FROM x") }
            }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a program lives with steps of a newer one that only add`(engine: TestEngine) async throws {
        try await TestDatabase.with(engine) { test in
            let added = Migration(
                name: "test-0003-added",
                sqlite: "CREATE TABLE x (id INTEGER);\nCREATE UNIQUE INDEX x_id ON x (id);\n"
                    + "CREATE INDEX person_age ON person (age);",
                postgres: "CREATE TABLE x (id BIGINT);\nCREATE UNIQUE INDEX x_id ON x (id);\n"
                    + "CREATE INDEX person_age ON person (age);\nALTER TABLE x SET UNLOGGED;")
            try await test.database.migrate([people, second, added])
            try await test.database.migrate([people])
            try await test.database.migrate([people, second])
        }
    }

    @Test(arguments: [
        "DROP TABLE person;", "UPDATE person SET age = 1;", "ALTER TABLE person RENAME COLUMN age TO years;",
        "ALTER TABLE person ADD COLUMN colour TEXT NOT NULL;", "CREATE UNIQUE INDEX age ON person (age);",
        "CREATE TABLE x (id INTEGER);\nDELETE FROM person;",
    ])
    func `a step that takes something away is none that older programs live with`(text: String) async throws {
        try await TestFolder().withDatabase { database in
            try await database.migrate([people])
            try await database.migrate([people, Migration(name: "z", sqlite: text, postgres: text)])
            await #expect(throws: DatabaseError.newerSchema(names: ["z"])) {
                try await database.migrate([people])
            }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `nodes that start at once make each step once`(engine: TestEngine) async throws {
        try await TestDatabase.with(engine) { test in
            let nodes = try (0..<6).map { _ in try test.openAnother() }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for node in nodes { group.addTask { try await node.migrate([people, second]) } }
                try await group.waitForAll()
            }
            let count = try await test.database.read {
                try $0.firstRow("SELECT count(*) AS n FROM schema_migration")?.integer("n")
            }
            #expect(count == 2)
            if engine == .postgres { for node in nodes { await node.close() } }
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
