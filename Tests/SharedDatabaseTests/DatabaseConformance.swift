import ClusterTestKit
import Portable
import SharedDatabase
import Testing

/// What both engines promise of transactions.
@Suite struct DatabaseConformance {
    private struct Refusal: Error, Equatable {}

    @Test(arguments: TestEngine.allCases)
    func `a write that throws leaves nothing behind`(engine: TestEngine) async throws {
        try await withPeople(engine) { database in
            await #expect(throws: Refusal.self) {
                try await database.write { transaction in
                    try transaction.execute("INSERT INTO person (name) VALUES (?)", ["ann"])
                    throw Refusal()
                }
            }
            try await expect(people: 0, in: database)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `values of every type come back as they were`(engine: TestEngine) async throws {
        try await withPeople(engine) { database in
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

    @Test(arguments: TestEngine.allCases)
    func `a text with a NUL is refused and not cut off`(engine: TestEngine) async throws {
        try await withPeople(engine) { database in
            let error = DatabaseError.constraint(kind: .check, detail: "a text holds the character NUL")
            await #expect(throws: error) {
                try await database.read { try $0.rows("SELECT ? AS t", ["a\u{0}b"]) }
            }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a column that is read wrongly is named`(engine: TestEngine) async throws {
        try await withPeople(engine) { database in
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

    @Test(arguments: TestEngine.allCases)
    func `execute counts the rows that it changed`(engine: TestEngine) async throws {
        try await withPeople(engine) { database in
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

    @Test(arguments: TestEngine.allCases)
    func `an id is given once, also after its row is gone`(engine: TestEngine) async throws {
        try await withPeople(engine) { database in
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
        arguments: TestEngine.allCases,
        [
            ("INSERT INTO person (name) VALUES ('ann')", .unique),
            ("INSERT INTO person (id, name) VALUES (1, 'x')", .unique),
            ("INSERT INTO person (name) VALUES (NULL)", .notNull),
            ("INSERT INTO person (name, age) VALUES ('x', -1)", .check),
            ("DELETE FROM person", .foreignKey), ("INSERT INTO thing (owner) VALUES (99)", .foreignKey),
        ] as [(String, DatabaseError.ConstraintKind)])
    func `an error says which rule was broken`(
        engine: TestEngine, change: (sql: String, kind: DatabaseError.ConstraintKind)
    ) async throws {
        try await withPeople(engine) { database in
            try await database.write { transaction in
                try transaction.execute("INSERT INTO person (name) VALUES ('ann')")
                try transaction.execute("INSERT INTO thing (owner) VALUES (1)")
            }
            let error = await #expect(throws: DatabaseError.self) {
                try await database.write { try $0.execute(change.sql) }
            }
            guard case .constraint(change.kind, _) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a mistake in a statement is told with its text`(engine: TestEngine) async throws {
        try await withPeople(engine) { database in
            let error = await #expect(throws: DatabaseError.self) {
                try await database.write { try $0.execute("SELECT * FROM nowhere") }
            }
            guard case .statement(let message, "SELECT * FROM nowhere") = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(message.contains("nowhere"))
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `after an error a transaction commits nothing, even when the error is caught`(
        engine: TestEngine
    ) async throws {
        try await withPeople(engine) { database in
            await #expect(throws: DatabaseError.self) {
                try await database.write { transaction in
                    try transaction.execute("INSERT INTO person (name) VALUES ('ann')")
                    _ = try? transaction.execute("INSERT INTO person (name) VALUES ('ann')")
                }
            }
            try await expect(people: 0, in: database)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a read cannot change anything`(engine: TestEngine) async throws {
        try await withPeople(engine) { database in
            await #expect(throws: DatabaseError.self) {
                try await database.read { try $0.execute("INSERT INTO person (name) VALUES ('ann')") }
            }
            try await expect(people: 0, in: database)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `too few parameters are refused`(engine: TestEngine) async throws {
        try await withPeople(engine) { database in
            await #expect(throws: DatabaseError.self) {
                try await database.read { try $0.rows("SELECT ?, ?", [1]) }
            }
            let rows = try await database.read { try $0.rows("SELECT ? AS a", [1]) }
            #expect(rows.count == 1)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a question mark in quotes or a comment is no parameter`(engine: TestEngine) async throws {
        try await withPeople(engine) { database in
            let row = try await database.read { transaction in
                try transaction.firstRow(
                    """
                    SELECT '?''?' AS "a?", ? AS b, /* ? ' */ 1 AS c, -- ? " \'
                    ? AS d
                    """, [.integer(7), "x"])
            }
            #expect(try row?.text("a?") == "?'?")
            #expect(try row?.integer("b") == 7)
            #expect(try row?.text("d") == "x")
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `sums, means and conditions are numbers`(engine: TestEngine) async throws {
        try await withPeople(engine) { database in
            for ages in [[1], [10_000], [9_999, 1], [100_000_000, 5], [123_456_789, 0, 987_654_321]]
                as [[Int64]]
            {
                try await database.write { transaction in
                    try transaction.execute("DELETE FROM person")
                    for age in ages {
                        try transaction.execute(
                            "INSERT INTO person (name, age) VALUES (?, ?)", [.text("\(age)"), .integer(age)])
                    }
                }
                let row = try await database.read {
                    try $0.firstRow(
                        """
                        SELECT sum(age) AS s, -sum(age) AS m, avg(age) AS a, max(age) > 9999 AS c,
                        sum(age) / 2.0 AS h, sum(age) * 100000000 AS l FROM person
                        """)
                }
                let sum = ages.reduce(0, +)
                #expect(try row?.integer("s") == sum)
                #expect(try row?.integer("m") == -sum)
                #expect(try row?.integer("l") == sum * 100_000_000)
                #expect(try row?.real("a") == Double(sum) / Double(ages.count))
                #expect(try row?.real("h") == Double(sum) / 2)
                #expect(try row?.bool("c") == ((ages.max() ?? 0) > 9999))
            }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a read is of one moment, whatever others change meanwhile`(engine: TestEngine) async throws {
        try await withPeople(engine) { database in
            try await database.write { try $0.execute("INSERT INTO person (name) VALUES ('a')") }
            let counts = try await database.read { transaction in
                let query = "SELECT count(*) AS n FROM person"
                let before = try transaction.firstRow(query)?.integer("n")
                let change = Blocking {
                    try await database.write { try $0.execute("INSERT INTO person (name) VALUES ('b')") }
                }
                _ = try change.value()
                return [before, try transaction.firstRow(query)?.integer("n")]
            }
            #expect(counts == [1, 1])
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `fifty writers at once lose nothing`(engine: TestEngine) async throws {
        try await withPeople(engine) { database in
            try await database.write { try $0.execute("INSERT INTO person (name, age) VALUES ('ann', 0)") }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<50 {
                    group.addTask {
                        try await database.write { transaction in
                            let row = try transaction.firstRow(
                                "SELECT age FROM person WHERE name = ?" + transaction.forUpdate, ["ann"])
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

    @Test(arguments: TestEngine.allCases)
    func `a cancelled task's transaction is carried out all the same`(engine: TestEngine) async throws {
        try await withPeople(engine) { database in
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await database.write { try $0.execute("INSERT INTO person (name) VALUES ('ann')") }
            }
            let changed = try await task.value
            #expect(changed == 1)
            try await expect(people: 1, in: database)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `what is enqueued is done in its order`(engine: TestEngine) async throws {
        try await withPeople(engine) { database in
            let age = try await database.write { transaction in
                try transaction.enqueue("INSERT INTO person (name, age) VALUES (?, ?)", ["ann", 1])
                try transaction.enqueue("UPDATE person SET age = age + 1 WHERE name = ?", ["ann"])
                let row = try transaction.firstRow("SELECT age FROM person WHERE name = ?", ["ann"])
                try transaction.enqueue("INSERT INTO person (name) VALUES (?)", ["bob"])
                return try row?.integer("age")
            }
            #expect(age == 2)
            try await expect(people: 2, in: database)
        }
    }

    @Test(arguments: TestEngine.allCases, [false, true])
    func `an enqueued statement that fails undoes the transaction, and is told`(
        engine: TestEngine, isLast: Bool
    ) async throws {
        try await withPeople(engine) { database in
            try await database.write { try $0.execute("INSERT INTO person (name) VALUES ('ann')") }
            let error = await #expect(throws: DatabaseError.self) {
                try await database.write { transaction in
                    try transaction.execute("INSERT INTO person (name) VALUES (?)", ["bob"])
                    try transaction.enqueue("INSERT INTO person (name) VALUES (?)", ["ann"])
                    if !isLast { _ = try transaction.rows("SELECT name FROM person") }
                }
            }
            guard case .constraint(kind: .unique, detail: _)? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            try await expect(people: 1, in: database)
            // The connection serves on.
            try await database.write { try $0.execute("INSERT INTO person (name) VALUES ('bob')") }
            try await expect(people: 2, in: database)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `the clock as an expression is the clock`(engine: TestEngine) async throws {
        try await withPeople(engine) { database in
            let times = try await database.read { transaction in
                let before = try transaction.now()
                let row = try transaction.firstRow("SELECT \(transaction.nowExpression) AS n")
                return [before, try row?.integer("n") ?? 0, try transaction.now()]
            }
            #expect(times == times.sorted())
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `the clock counts milliseconds of our time`(engine: TestEngine) async throws {
        try await withPeople(engine) { database in
            let times = try await database.read { [try $0.now(), try $0.now()] }
            #expect(times[0] > 1_700_000_000_000)
            #expect(times[0] < 100_000_000_000_000)
            #expect(times[0] <= times[1])
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `after closing every access is refused`(engine: TestEngine) async throws {
        try await withPeople(engine) { database in
            await database.close()
            await database.close()
            let closed = DatabaseError.unavailable(reason: "it is closed")
            await #expect(throws: closed) { try await database.read { _ in } }
            await #expect(throws: closed) { try await database.write { _ in } }
            await #expect(throws: closed) { try await database.signals(of: ["a"]) }
            await #expect(throws: closed) { try await database.holdSessionLock(key: 1) }
        }
    }

    private func expect(
        people: Int64, in database: SharedDatabase, location: SourceLocation = #_sourceLocation
    ) async throws {
        let count = try await database.read {
            try $0.firstRow("SELECT count(*) AS n FROM person")?.integer("n")
        }
        #expect(count == people, sourceLocation: location)
    }
}
