import ClusterTestKit
import Glibc
import NodeTestKit
import SharedDatabase
import Testing

/// What happens when PostgreSQL, or the way to it, fails.
@Suite struct PostgresFaultTests {
    private let insert = "INSERT INTO person (name) VALUES ('x') ON CONFLICT DO NOTHING"

    @Test func `connections that an administrator ends are made again and nobody notices`() async throws {
        try await TestDatabase.with(.postgres, migrations: [people]) { test in
            let database = test.database
            var stream = try await database.signals(of: ["a"]).makeAsyncIterator()
            let lock = try #require(try await database.holdSessionLock(key: 5))
            for round in 0..<20 {
                try await terminateAll(test)
                let name = "name \(round)"
                try await database.write {
                    try $0.execute("INSERT INTO person (name) VALUES (?)", [.text(name)])
                }
                try await terminateAll(test)
                let count = try await database.read {
                    try $0.firstRow("SELECT count(*) AS n FROM person")?.integer("n")
                }
                #expect(count == Int64(round + 1))
            }
            await lock.waitForEnd()
            let first = await stream.next()
            #expect(first == .interrupted)
            var next = await stream.next()
            while next == .interrupted || next == .resumed {
                if next == .resumed { try await database.notify("a", "again") }
                next = await stream.next()
            }
            #expect(next == .notification(channel: "a", payload: "again"))
        }
    }

    @Test func `a listener that is cut off makes nobody believe that the server is away`() async throws {
        try await TestDatabase.with(.postgres, migrations: [people]) { test in
            let (database, server) = (test.database, try #require(test.server))
            var stream = try await database.signals(of: ["a"]).makeAsyncIterator()
            for _ in 0..<5 {
                try await server.psql(
                    """
                    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE datname = '\(test.name)' AND (query LIKE '%LISTEN%' OR query = 'SELECT 1')
                    """)
                let lost = await stream.next()
                #expect(lost == .interrupted)
                #expect(database.health == .reachable)
                let back = await stream.next()
                #expect(back == .resumed)
                #expect(database.health == .reachable)
            }
        }
    }

    @Test func `a server that is restarted or killed costs a pause and no data`() async throws {
        var options = ThrowawayPostgres.Options()
        options.isDurable = true
        let server = try await ThrowawayPostgres.start(options)
        let database = try await openPeople(server.url())
        try await database.write { try $0.execute("INSERT INTO person (name) VALUES ('first')") }
        for isKilled in [false, true] {
            if isKilled { try await server.kill() } else { try await server.stop("immediate") }
            let away = await #expect(throws: DatabaseError.self) {
                try await database.write { try $0.execute("INSERT INTO person (name) VALUES ('lost')") }
            }
            guard case .unavailable = away else {
                Issue.record("\(String(describing: away))")
                return
            }
            guard case .unreachable = database.health else {
                Issue.record("\(database.health)")
                return
            }
            async let late = database.write { [insert] in try $0.execute(insert) }
            try await server.start()
            _ = try? await late
            try await waitUntil("a database that answers") {
                (try? await database.read { _ = try $0.rows("SELECT 1 AS one") }) != nil
            }
            #expect(database.health == .reachable)
            let names = try await database.read { transaction in
                try transaction.rows("SELECT name FROM person ORDER BY id").map { try $0.text("name") }
            }
            #expect(names.first == "first")
            #expect(!names.contains("lost"))
        }
        await database.close()
    }

    @Test func `a server that hangs is given up in seconds, and used again when it goes on`() async throws {
        let server = try await ThrowawayPostgres.start()
        let database = try await openPeople(server.url())
        let lock = try #require(try await database.holdSessionLock(key: 1))
        try server.freeze()
        let begun = ContinuousClock.now
        await #expect(throws: DatabaseError.self) {
            try await database.write { [insert] in try $0.execute(insert) }
        }
        await lock.waitForEnd()
        guard case .unreachable = database.health else {
            Issue.record("\(database.health)")
            return
        }
        // Once it is known to be away for long, nobody waits any more.
        try await waitUntil("a refusal at once") {
            let begun = ContinuousClock.now
            _ = try? await database.read { _ = try $0.rows("SELECT 1 AS one") }
            return ContinuousClock.now - begun < .milliseconds(500)
        }
        #expect(ContinuousClock.now - begun < .seconds(60))
        try server.thaw()
        try await waitUntil("a database that answers") {
            (try? await database.write { [insert] in try $0.execute(insert) }) != nil
        }
        #expect(database.health == .reachable)
        await database.close()
    }

    @Test(arguments: [TCPProxy.Behaviour.blackHole, .reset])
    func `a network that fails is noticed by the transaction and by the listener`(
        behaviour: TCPProxy.Behaviour
    ) async throws {
        let server = try await ThrowawayPostgres.shared()
        try await server.makeDatabase("proxied_\(behaviour == .reset ? "reset" : "hole")")
        let proxy = try TCPProxy(to: server.port)
        let name = "proxied_\(behaviour == .reset ? "reset" : "hole")"
        let database = try await openPeople(server.tcpURL(name, port: proxy.port))
        var stream = try await database.signals(of: ["a"]).makeAsyncIterator()
        try await database.write { [insert] in try $0.execute(insert) }
        proxy.behave(behaviour)
        let error = await #expect(throws: DatabaseError.self) {
            try await database.write { [insert] in try $0.execute(insert) }
        }
        guard case .unavailable = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        let first = await stream.next()
        #expect(first == .interrupted)
        proxy.behave(.forward)
        let second = await stream.next()
        #expect(second == .resumed)
        try await waitUntil("a database that answers") {
            (try? await database.write { [insert] in try $0.execute(insert) }) != nil
        }
        await database.close()
    }

    @Test func `a connection lost in a commit has an outcome that is unknown, and is not tried again`()
        async throws
    {
        let server = try await ThrowawayPostgres.start()
        let proxy = try TCPProxy(to: server.port)
        let database = try await openPeople(server.tcpURL(port: proxy.port))
        try await database.write { try $0.execute("INSERT INTO person (name) VALUES ('first')") }
        let error = await #expect(throws: DatabaseError.self) {
            try await database.write { transaction in
                try transaction.execute("INSERT INTO person (name) VALUES ('second')")
                proxy.behave(.blackHole)
            }
        }
        guard case .outcomeUnknown = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        proxy.behave(.forward)
        await database.close()
    }

    @Test func `a server that takes no changes is read, and named when it is asked for one`() async throws {
        let server = try await ThrowawayPostgres.start()
        let database = try await openPeople(server.url())
        try await server.psql("ALTER SYSTEM SET default_transaction_read_only = on")
        try await server.psql("SELECT pg_reload_conf()")
        let error = DatabaseError.unavailable(reason: "it takes no changes at present (read-only)")
        try await waitUntil("a refusal") {
            do {
                try await database.write { [insert] in try $0.execute(insert) }
                return false
            } catch let refusal as DatabaseError {
                return refusal == error
            }
        }
        #expect(database.health == .readOnly)
        _ = try await database.read { try $0.rows("SELECT name FROM person") }
        try await server.psql("ALTER SYSTEM RESET default_transaction_read_only")
        try await server.psql("SELECT pg_reload_conf()")
        try await waitUntil("a server that takes changes") {
            (try? await database.write { [insert] in try $0.execute(insert) }) != nil
        }
        #expect(database.health == .reachable)
        await database.close()
    }

    @Test func `when the standby is promoted the node goes over to it, and the timeline grows`() async throws
    {
        let primary = try await ThrowawayPostgres.start()
        let first = try await openPeople(primary.url())
        try await first.write { try $0.execute("INSERT INTO person (name) VALUES ('first')") }
        await first.close()
        var options = ThrowawayPostgres.Options()
        options.standbyOf = primary
        let standby = try await ThrowawayPostgres.start(options)
        let hosts = "127.0.0.1:\(standby.port),127.0.0.1:\(primary.port)"
        let database = try await openPeople("postgres://perigee@\(hosts)/postgres")
        let before = try await database.write { try $0.timeline() }
        #expect(before == 1)
        try await primary.kill()
        try await standby.promote()
        try await waitUntil("a change on the new primary") {
            (try? await database.write { [insert] in try $0.execute(insert) }) != nil
        }
        let after = try await database.write { try $0.timeline() }
        #expect(after == 2)
        let names = try await database.read { transaction in
            try transaction.rows("SELECT name FROM person ORDER BY id").map { try $0.text("name") }
        }
        #expect(names == ["first", "x"])
        await database.close()
    }

    @Test func `when one way to the server goes dark the next is taken, and what was held is free`()
        async throws
    {
        let server = try await ThrowawayPostgres.start()
        let dark = try TCPProxy(to: server.port)
        let hosts = "127.0.0.1:\(dark.port),127.0.0.1:\(server.port)"
        let database = try await openPeople("postgres://perigee@\(hosts)/postgres")
        let lock = try #require(try await database.holdSessionLock(key: 3))
        dark.behave(.blackHole)
        await lock.waitForEnd()
        let next = try await waitFor("the lock once more") { try? await database.holdSessionLock(key: 3) }
        #expect(next.isHeld)
        try await waitUntil("a change") {
            (try? await database.write { [insert] in try $0.execute(insert) }) != nil
        }
        await database.close()
    }

    @Test func `of two transactions that lock each other out both are done in the end`() async throws {
        try await TestDatabase.with(.postgres, migrations: [people]) { test in
            let database = test.database
            try await database.write {
                try $0.execute("INSERT INTO person (name, age) VALUES ('a', 0), ('b', 0)")
            }
            let raise = "UPDATE person SET age = age + 1 WHERE name = ?"
            try await withThrowingTaskGroup(of: Void.self) { group in
                for turn in 0..<10 {
                    let names: [DatabaseValue] = turn.isMultiple(of: 2) ? ["a", "b"] : ["b", "a"]
                    group.addTask {
                        var isDone = false
                        while !isDone {
                            do {
                                try await database.write { transaction in
                                    for name in names { try transaction.execute(raise, [name]) }
                                }
                                isDone = true
                            } catch DatabaseError.busy {}
                        }
                    }
                }
                try await group.waitForAll()
            }
            let ages = try await database.read { transaction in
                try transaction.rows("SELECT age FROM person").map { try $0.integer("age") }
            }
            #expect(ages == [10, 10])
        }
    }

    @Test func `a row that somebody else keeps locked is busy in the end`() async throws {
        try await TestDatabase.with(.postgres, migrations: [people]) { test in
            try await test.database.write { try $0.execute("INSERT INTO person (name) VALUES ('a')") }
            let hasty = try test.openAnother { $0.lockTimeout = .milliseconds(50) }
            try await test.database.write { transaction in
                try transaction.execute("UPDATE person SET age = 1")
                let waiting = Blocking {
                    try await hasty.write { try $0.execute("UPDATE person SET age = 2") }
                }
                #expect(throws: DatabaseError.busy) { try waiting.value() }
            }
            await hasty.close()
        }
    }

    @Test func `a table that another node changes while it is used is used on`() async throws {
        try await TestDatabase.with(.postgres, migrations: [people]) { test in
            let database = try test.openAnother { $0.poolSize = 1 }
            let query = "SELECT * FROM person"
            _ = try await database.read { try $0.rows(query) }
            try await test.database.write { try $0.execute("ALTER TABLE person ADD COLUMN colour TEXT") }
            try await test.database.write {
                try $0.execute("INSERT INTO person (name, colour) VALUES ('a', 'red')")
            }
            let colour = try await database.read { try $0.firstRow(query)?.text("colour") }
            #expect(colour == "red")
            await database.close()
        }
    }

    @Test(.enabled("mounting needs root") { await MountedDisk.isAvailable(.memory) })
    func `when the server's disk is full nothing is changed, and with room work goes on`() async throws {
        let server = try await ThrowawayPostgres.start()
        let folder = try TemporaryDirectory("tablespace")
        #expect(chmod(folder.path, 0o711) == 0)
        let disk = try await MountedDisk.make(.memory, megabytes: 4, at: "disk", in: folder)
        try server.take(disk.path)
        try await server.psql("CREATE TABLESPACE small LOCATION '\(disk.path)'")
        try await server.psql("CREATE DATABASE small TEMPLATE template0")
        try await server.psql("ALTER DATABASE small SET default_tablespace = small")
        let database = try await openPeople(server.url("small"))
        try disk.fill()
        await #expect(throws: DatabaseError.full) {
            try await database.write { transaction in
                for number in 0..<1000 {
                    let name = "\(number)" + String(repeating: "x", count: 500)
                    try transaction.execute("INSERT INTO person (name) VALUES (?)", [.text(name)])
                }
            }
        }
        try disk.free()
        let count = try await database.write { [insert] in try $0.execute(insert) }
        #expect(count == 1)
        await database.close()
        try await server.stop("immediate")
    }

    @Test func `a commit of small worth does not wait for the disk, and others do`() async throws {
        try await TestDatabase.with(.postgres) { test in
            let setting = "SELECT current_setting('synchronous_commit') AS value"
            let relaxed = try await test.database.write(durability: .process) {
                try $0.firstRow(setting)?.text("value")
            }
            let usual = try await test.database.write { try $0.firstRow(setting)?.text("value") }
            #expect(relaxed == "off")
            #expect(usual == "on")
        }
    }

    private func openPeople(_ url: String) async throws -> SharedDatabase {
        let database = try SharedDatabase.openPostgres(PostgresSettings(url: url), logger: quiet)
        try await database.migrate([people])
        return database
    }

    private func terminateAll(_ test: TestDatabase) async throws {
        let server = try #require(test.server)
        try await server.psql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '\(test.name)'")
    }
}
