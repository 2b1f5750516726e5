import ClusterTestKit
import NodeTestKit
import SharedDatabase
import Synchronization
import Testing

/// Statements that share a journey with others, or with the commit.
@Suite struct RoundTripConformance {
    private let insert = "INSERT INTO person (name) VALUES (?)"
    private let names = "SELECT name FROM person ORDER BY name"

    @Test(arguments: TestEngine.allCases)
    func `queries that go together are answered one by one, in their order`(engine: TestEngine) async throws {
        try await withPeople(engine) { database in
            let answers = try await database.write { [insert, names] transaction in
                try transaction.enqueue(insert, ["ann"])
                let rows = try transaction.rows(ofAll: [
                    (insert + " RETURNING name", ["bob"]), (names, []),
                    ("SELECT name FROM person WHERE name > ?", ["z"]),
                ])
                return try rows.map { try $0.map { try $0.text("name") } }
            }
            #expect(answers == [["bob"], ["ann", "bob"], []])
            let none = try await database.read { try $0.rows(ofAll: []).count }
            #expect(none == 0)
        }
    }

    @Test(arguments: TestEngine.allCases, [false, true])
    func `one that fails undoes them all, and the connection serves on`(
        engine: TestEngine, isLast: Bool
    ) async throws {
        try await withPeople(engine) { database in
            let error = await #expect(throws: DatabaseError.self) {
                try await database.write { [insert, names] transaction in
                    try transaction.execute(insert, ["ann"])
                    let bad = insert + " RETURNING name"
                    if isLast {
                        _ = try transaction.rows(ofAll: [(bad, ["ann"])], isLast: true)
                    } else {
                        _ = try transaction.rows(ofAll: [(names, []), (bad, ["ann"]), (names, [])])
                    }
                }
            }
            guard case .constraint(kind: .unique, detail: _)? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            try await database.write { [insert] in try $0.execute(insert, ["bob"]) }
            let left = try await everybody(in: database)
            #expect(left == ["bob"])
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `the last query ends its transaction, and nothing follows it`(engine: TestEngine) async throws {
        try await withPeople(engine) { database in
            let ended = try await database.write { [insert, names] transaction in
                try transaction.enqueue(insert, ["ann"])
                let rows = try transaction.rows(ofAll: [(names, [])], isLast: true)
                return try rows.joined().map { try $0.text("name") }
            }
            #expect(ended == ["ann"])
            await #expect(throws: DatabaseError.self) {
                try await database.write { [insert, names] transaction in
                    _ = try transaction.rows(ofAll: [(names, [])], isLast: true)
                    try transaction.execute(insert, ["bob"])
                }
            }
            let left = try await everybody(in: database)
            #expect(left == ["ann"])
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `what is told to be visible is, and the value comes back`(engine: TestEngine) async throws {
        try await withPeople(engine) { database in
            let told = Mutex<[Int]>([])
            let value = try await database.write(visible: { value in told.withLock { $0.append(value) } }) {
                [insert] in try $0.execute(insert, ["ann"])
            }
            let seen = told.withLock { $0 }
            let left = try await everybody(in: database)
            #expect(value == 1 && seen == [1] && left == ["ann"])
            await #expect(throws: DatabaseError.self) {
                try await database.write(visible: { (value: Int) in told.withLock { $0.append(value) } }) {
                    [insert] in try $0.execute(insert, ["ann"])
                }
            }
            #expect(told.withLock { $0 } == [1])
        }
    }

    /// What the server had not written when it was killed is gone: a commit that does not wait is often among
    /// that.
    @Test func `what was visible early survives the server once the write has returned`() async throws {
        var options = ThrowawayPostgres.Options()
        options.isDurable = true
        let server = try await ThrowawayPostgres.start(options)
        for round in 0..<5 {
            let database = try SharedDatabase.openPostgres(PostgresSettings(url: server.url()), logger: quiet)
            try await database.migrate([people])
            let name = "name \(round)"
            _ = try await database.write(visible: { (_: Int) in }) { [insert] in
                try $0.execute(insert, [.text(name)])
            }
            try await server.kill()
            try await server.start()
            await database.close()
        }
        let database = try SharedDatabase.openPostgres(PostgresSettings(url: server.url()), logger: quiet)
        let left = try await everybody(in: database)
        #expect(left == (0..<5).map { "name \($0)" })
        await database.close()
        try await server.stop("immediate")
    }

    @Test func `a connection lost between the commit and the disk leaves the outcome unknown`() async throws {
        let server = try await ThrowawayPostgres.start()
        let proxy = try TCPProxy(to: server.port)
        let url = server.tcpURL(port: proxy.port)
        let database = try SharedDatabase.openPostgres(PostgresSettings(url: url), logger: quiet)
        try await database.migrate([people])
        let error = await #expect(throws: DatabaseError.self) {
            try await database.write(visible: { (_: Int) in proxy.behave(.reset) }) { [insert] in
                try $0.execute(insert, ["ann"])
            }
        }
        guard case .outcomeUnknown = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        proxy.behave(.forward)
        let left = try await everybody(in: database)
        #expect(left == ["ann"])
        await database.close()
    }

    private func everybody(in database: SharedDatabase) async throws -> [String] {
        try await database.read { [names] in try $0.rows(names).map { try $0.text("name") } }
    }
}
