import ClusterTestKit
import SharedDatabase
import Testing

/// From a file to PostgreSQL.
@Suite struct DatabaseMoveTests {
    private let migrations = [
        people,
        Migration(
            name: "test-0002-kinds",
            sqlite: """
                CREATE TABLE kinds (
                    a TEXT NOT NULL, b INTEGER NOT NULL, i INTEGER, r REAL, t TEXT, x BLOB, PRIMARY KEY (a, b)
                ) WITHOUT ROWID;
                INSERT INTO kinds (a, b) VALUES ('seed', 0);
                """,
            postgres: """
                CREATE TABLE kinds (
                    a TEXT COLLATE "C" NOT NULL, b BIGINT NOT NULL, i BIGINT, r DOUBLE PRECISION, t TEXT,
                    x BYTEA, PRIMARY KEY (a, b)
                );
                INSERT INTO kinds (a, b) VALUES ('seed', 0);
                """),
    ]

    @Test func `every row and every kind of value is there, and numbers go on`() async throws {
        try await moving { source, target in
            try await fill(source)
            let summary = try await DatabaseMove(from: source, to: target, migrations: migrations).run()
            #expect(summary.tables == 3)
            #expect(summary.rows == 1 + 2500 + 3 + 1 + 1200)
            let row = try await target.read { try $0.firstRow("SELECT i, r, t, x FROM kinds WHERE a = 'é'") }
            #expect(try row?.integer("i") == .min)
            #expect(try row?.real("r") == 0.1)
            #expect(try row?.text("t") == "line\nü\u{1F600}")
            #expect(try row?.blob("x") == [0, 1, 255])
            // 2501 was given and its row deleted: it is not given again.
            let id = try await target.write {
                try $0.insert("INSERT INTO person (name) VALUES (?) RETURNING id", ["new"])
            }
            #expect(id == 2502)
            try await target.migrate(migrations)
        }
    }

    @Test func `a database that holds anything is refused and left alone`() async throws {
        try await moving { source, target in
            try await target.write { try $0.execute("CREATE TABLE other (id BIGINT)") }
            await #expect(throws: DatabaseMoveError.notEmpty(tables: ["other"])) {
                try await DatabaseMove(from: source, to: target, migrations: migrations).run()
            }
            try await target.write { try $0.execute("DROP TABLE other") }
            try await target.migrate(migrations)
            await #expect(throws: DatabaseMoveError.self) {
                try await DatabaseMove(from: source, to: target, migrations: migrations).run()
            }
        }
    }

    @Test func `a row that cannot be taken is named, no node starts on the rest, and a second try does`()
        async throws
    {
        try await moving { source, target in
            try await source.migrate(migrations)
            try await source.write { try $0.execute("INSERT INTO kinds (a, b, i) VALUES ('k', 7, 'text')") }
            let error = await #expect(throws: DatabaseMoveError.self) {
                try await DatabaseMove(from: source, to: target, migrations: migrations).run()
            }
            guard case .row("kinds", "k/7", _) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            await #expect(throws: DatabaseError.newerSchema(names: [DatabaseMove.unfinished])) {
                try await target.migrate(migrations)
            }
            try await source.write { try $0.execute("UPDATE kinds SET i = 1 WHERE a = 'k'") }
            let summary = try await DatabaseMove(from: source, to: target, migrations: migrations).run()
            #expect(summary.rows == 2)
            try await target.migrate(migrations)
        }
    }

    private func fill(_ source: SharedDatabase) async throws {
        try await source.migrate(migrations)
        try await source.write { transaction in
            for number in 1...2501 {
                try transaction.execute(
                    "INSERT INTO person (name, age) VALUES (?, ?)",
                    [.text("p\(number)"), .integer(Int64(number))])
            }
            try transaction.execute("DELETE FROM person WHERE id = 2501")
            for owner in 1...3 {
                try transaction.execute("INSERT INTO thing (owner) VALUES (?)", [.integer(Int64(owner))])
            }
            let insert = "INSERT INTO kinds (a, b, i, r, t, x) VALUES (?, ?, ?, ?, ?, ?)"
            try transaction.execute(
                insert, ["é", 1, .integer(.min), 0.1, "line\nü\u{1F600}", .blob([0, 1, 255])])
            for number in 0..<1200 {
                try transaction.execute(
                    insert,
                    [.text("K\(number % 7)z"), .integer(Int64(number) + 1), nil, nil, "", .blob([])])
            }
        }
    }

    private func moving(_ body: (SharedDatabase, SharedDatabase) async throws -> Void) async throws {
        try await TestDatabase.with(.sqlite) { source in
            try await TestDatabase.with(.postgres) { target in
                try await body(source.database, target.database)
            }
        }
    }
}
