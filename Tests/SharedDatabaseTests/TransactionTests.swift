import Portable
import SharedDatabase
import Testing

@Suite struct TransactionTests {
    private struct Refusal: Error, Equatable {}

    @Test func `a write that throws leaves nothing behind`() async throws {
        try await TestFolder().withDatabase { database in
            try await database.migrate([people])
            await #expect(throws: Refusal.self) {
                try await database.write { transaction in
                    try transaction.execute("INSERT INTO person (name) VALUES (?)", ["ann"])
                    throw Refusal()
                }
            }
            #expect(try await count(database) == 0)
        }
    }

    @Test func `values of every type come back as they were`() async throws {
        try await TestFolder().withDatabase { database in
            let row = try await database.read { transaction in
                try transaction.firstRow(
                    "SELECT ? AS n, ? AS i, ? AS r, ? AS t, ? AS b, ? AS e, ? AS y, ? AS id",
                    [nil, .integer(.min), 2.5, "ä\nb", .blob([0, 255]), .blob([]), true, .id(UserID(7))])
            }
            let found = try #require(row)
            #expect(try found.optionalText("n") == nil)
            #expect(try found.optionalInteger("n") == nil)
            #expect(try found.optionalBlob("n") == nil)
            #expect(try found.optionalID("n", as: UserID.self) == nil)
            #expect(try found.integer("i") == .min)
            #expect(try found.real("r") == 2.5)
            #expect(try found.text("t") == "ä\nb")
            #expect(try found.blob("b") == [0, 255])
            #expect(try found.blob("e") == [])
            #expect(try found.bool("y"))
            #expect(try found.id("id", as: UserID.self) == UserID(7))
        }
    }

    @Test func `a text with a NUL is refused and not cut off`() async throws {
        try await TestFolder().withDatabase { database in
            let error = DatabaseError.constraint(kind: .check, detail: "a text holds the character NUL")
            await #expect(throws: error) {
                try await database.read { try $0.rows("SELECT ? AS t", ["a\u{0}b"]) }
            }
        }
    }

    @Test func `a column that is read wrongly is named`() async throws {
        try await TestFolder().withDatabase { database in
            let row = try #require(
                try await database.read {
                    try $0.firstRow("SELECT 1 AS one, NULL AS none, 'x' AS text, 5 AS five")
                })
            #expect(throws: DatabaseError.column(name: "two", problem: "is not in the result")) {
                try row.text("two")
            }
            #expect(throws: DatabaseError.column(name: "none", problem: "is NULL")) { try row.text("none") }
            #expect(throws: DatabaseError.column(name: "one", problem: "is the number 1, not text")) {
                try row.text("one")
            }
            #expect(throws: DatabaseError.column(name: "text", problem: "is text, not a whole number")) {
                try row.integer("text")
            }
            #expect(throws: DatabaseError.column(name: "five", problem: "is the number 5, not 0 or 1")) {
                try row.bool("five")
            }
        }
    }

    @Test func `execute counts the rows that it changed`() async throws {
        try await TestFolder().withDatabase { database in
            try await database.migrate([people])
            let counts = try await database.write { transaction in
                try [
                    transaction.execute("INSERT INTO person (name) VALUES (?), (?), (?)", ["a", "b", "c"]),
                    transaction.execute("UPDATE person SET age = 1 WHERE name < ?", ["c"]),
                    transaction.execute("UPDATE person SET age = 1 WHERE name = ?", ["z"]),
                    transaction.execute("CREATE TABLE other (id INTEGER)"),
                    transaction.execute("DELETE FROM person"),
                ]
            }
            #expect(counts == [3, 2, 0, 0, 3])
        }
    }

    @Test func `an id is given once, also after its row is gone`() async throws {
        try await TestFolder().withDatabase { database in
            try await database.migrate([people])
            let ids = try await database.write { transaction in
                let insert = "INSERT INTO person (name) VALUES (?) RETURNING id"
                let first = try transaction.insert(insert, ["a"])
                try transaction.execute("DELETE FROM person")
                return [first, try transaction.insert(insert, ["a"])]
            }
            #expect(ids == [1, 2])
        }
    }

    @Test(
        arguments: [
            ("INSERT INTO person (name) VALUES ('ann')", .constraint(kind: .unique, detail: "person.name")),
            (
                "INSERT INTO person (id, name) VALUES (1, 'x')",
                .constraint(kind: .unique, detail: "person.id")
            ),
            ("INSERT INTO person (name) VALUES (NULL)", .constraint(kind: .notNull, detail: "person.name")),
            (
                "INSERT INTO person (name, age) VALUES ('x', -1)",
                .constraint(kind: .check, detail: "age >= 0")
            ),
            ("DELETE FROM person", .constraint(kind: .foreignKey, detail: "FOREIGN KEY constraint failed")),
            (
                "INSERT INTO thing (owner) VALUES (99)",
                .constraint(kind: .foreignKey, detail: "FOREIGN KEY constraint failed")
            ),
            (
                "SELECT * FROM nowhere",
                .statement(message: "no such table: nowhere", sql: "SELECT * FROM nowhere")
            ),
        ] as [(String, DatabaseError)])
    func `an error says what the database objected to`(sql: String, error: DatabaseError) async throws {
        try await TestFolder().withDatabase { database in
            try await database.migrate([people])
            try await database.write { transaction in
                try transaction.execute("INSERT INTO person (name) VALUES ('ann')")
                try transaction.execute("INSERT INTO thing (owner) VALUES (1)")
            }
            await #expect(throws: error) { try await database.write { try $0.execute(sql) } }
        }
    }

    @Test func `after an error a transaction commits nothing, even when the error is caught`() async throws {
        try await TestFolder().withDatabase { database in
            try await database.migrate([people])
            let error = DatabaseError.constraint(kind: .unique, detail: "person.name")
            await #expect(throws: error) {
                try await database.write { transaction in
                    try transaction.execute("INSERT INTO person (name) VALUES ('ann')")
                    _ = try? transaction.execute("INSERT INTO person (name) VALUES ('ann')")
                }
            }
            #expect(try await count(database) == 0)
        }
    }

    @Test func `when there is no room left nothing is changed, and with room work goes on`() async throws {
        try await TestFolder().withDatabase { database in
            try await database.migrate([people])
            try await database.write { transaction in
                let pages = try transaction.firstRow("PRAGMA page_count")?.integer("page_count") ?? 0
                _ = try transaction.rows("PRAGMA max_page_count = \(pages)")
            }
            await #expect(throws: DatabaseError.full) {
                try await database.write { transaction in
                    for number in 0..<1000 {
                        let name = "\(number)" + String(repeating: "x", count: 500)
                        try transaction.execute("INSERT INTO person (name) VALUES (?)", [.text(name)])
                    }
                }
            }
            #expect(try await count(database) == 0)
            try await database.write { _ = try $0.rows("PRAGMA max_page_count = 100000") }
            try await database.write { try $0.execute("INSERT INTO person (name) VALUES ('ann')") }
            #expect(try await count(database) == 1)
        }
    }

    @Test func `a read cannot change anything`() async throws {
        try await TestFolder().withDatabase { database in
            try await database.migrate([people])
            await #expect(throws: DatabaseError.self) {
                try await database.read { try $0.execute("INSERT INTO person (name) VALUES ('ann')") }
            }
            #expect(try await count(database) == 0)
        }
    }

    @Test func `too few parameters are refused`() async throws {
        try await TestFolder().withDatabase { database in
            await #expect(throws: DatabaseError.self) {
                try await database.read { try $0.rows("SELECT ?, ?", [1]) }
            }
            let rows = try await database.read { try $0.rows("SELECT ? AS a", [1]) }
            #expect(rows.count == 1)
        }
    }

    @Test func `fifty writers at once lose nothing`() async throws {
        try await TestFolder().withDatabase { database in
            try await database.migrate([people])
            try await database.write { try $0.execute("INSERT INTO person (name, age) VALUES ('ann', 0)") }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<50 {
                    group.addTask {
                        try await database.write { transaction in
                            let row = try transaction.firstRow(
                                "SELECT age FROM person WHERE name = ?", ["ann"])
                            let age = try row?.integer("age") ?? 0
                            try transaction.execute(
                                "UPDATE person SET age = ? WHERE name = ?", [.integer(age + 1), "ann"])
                        }
                        _ = try await database.read { try $0.rows("SELECT id, name, age FROM person") }
                    }
                }
                try await group.waitForAll()
            }
            let age = try await database.read { try $0.firstRow("SELECT age FROM person")?.integer("age") }
            #expect(age == 50)
        }
    }

    @Test func `a cancelled task's transaction is carried out all the same`() async throws {
        try await TestFolder().withDatabase { database in
            try await database.migrate([people])
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await database.write { try $0.execute("INSERT INTO person (name) VALUES ('ann')") }
            }
            #expect(try await task.value == 1)
            #expect(try await count(database) == 1)
        }
    }

    @Test func `the clock counts milliseconds of our time`() async throws {
        try await TestFolder().withDatabase { database in
            let times = try await database.read { [try $0.now(), try $0.now()] }
            #expect(times[0] > 1_700_000_000_000)
            #expect(times[0] < 100_000_000_000_000)
            #expect(times[0] <= times[1])
        }
    }

    @Test func `after closing every access is refused`() async throws {
        let folder = try TestFolder()
        let database = try folder.open()
        await database.close()
        await database.close()
        let closed = DatabaseError.unavailable(reason: "it is closed")
        await #expect(throws: closed) { try await database.read { _ in } }
        await #expect(throws: closed) { try await database.write { _ in } }
    }

    private func count(_ database: SharedDatabase) async throws -> Int64? {
        try await database.read { try $0.firstRow("SELECT count(*) AS n FROM person")?.integer("n") }
    }
}
