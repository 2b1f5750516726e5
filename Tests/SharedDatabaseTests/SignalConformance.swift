import ClusterTestKit
import NodeTestKit
import SharedDatabase
import Testing

/// What both engines promise of notifications and session locks.
@Suite struct SignalConformance {
    @Test(arguments: TestEngine.allCases)
    func `a committed notification comes once, in order, to those who listen to its channel`(
        engine: TestEngine
    ) async throws {
        try await TestDatabase.with(engine) { test in
            let database = test.database
            var stream = try await database.signals(of: ["one", "two"]).makeAsyncIterator()
            var other = try await database.signals(of: ["three"]).makeAsyncIterator()
            try await database.notify("one", "a")
            try await database.write { transaction in
                try transaction.notify("two", "b")
                try transaction.notify("one", "c")
            }
            try await database.notify("three", "d")
            var heard: [DatabaseSignal?] = []
            for _ in 0..<3 { heard.append(await stream.next()) }
            #expect(
                heard == [
                    .notification(channel: "one", payload: "a"), .notification(channel: "two", payload: "b"),
                    .notification(channel: "one", payload: "c"),
                ])
            let last = await other.next()
            #expect(last == .notification(channel: "three", payload: "d"))
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `what is rolled back notifies nobody`(engine: TestEngine) async throws {
        struct Refusal: Error {}
        try await TestDatabase.with(engine) { test in
            let database = test.database
            var stream = try await database.signals(of: ["a"]).makeAsyncIterator()
            await #expect(throws: Refusal.self) {
                try await database.write { transaction in
                    try transaction.notify("a", "lost")
                    throw Refusal()
                }
            }
            await #expect(throws: DatabaseError.self) {
                try await database.write { transaction in
                    try transaction.notify("a", "lost")
                    _ = try? transaction.execute("NONSENSE")
                }
            }
            try await database.notify("a", "kept")
            let heard = await stream.next()
            #expect(heard == .notification(channel: "a", payload: "kept"))
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a name or a payload that PostgreSQL would refuse is refused`(engine: TestEngine) async throws {
        try await TestDatabase.with(engine) { test in
            let database = test.database
            for (channel, payload) in [
                ("a b", ""), ("", ""), ("\"", ""), (String(repeating: "c", count: 64), ""),
                ("a", String(repeating: "x", count: 8000)), ("a", "\u{0}"),
            ] {
                await #expect(throws: DatabaseError.self) { try await database.notify(channel, payload) }
            }
            try await database.notify("a", String(repeating: "x", count: 7999))
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a session lock has one holder until it is released`(engine: TestEngine) async throws {
        try await TestDatabase.with(engine) { test in
            let database = test.database
            let other = try test.openAnother()
            for key in [0, -1, Int64.min, 1 << 40] {
                #expect(try await other.isSessionLockHeld(key: key) == false)
                let lock = try #require(try await database.holdSessionLock(key: key))
                #expect(lock.isHeld)
                #expect(try await other.isSessionLockHeld(key: key))
                #expect(try await other.holdSessionLock(key: key) == nil)
                #expect(try await database.holdSessionLock(key: key) == nil)
                await lock.release()
                await lock.waitForEnd()
                #expect(!lock.isHeld)
                #expect(try await other.isSessionLockHeld(key: key) == false)
                let next = try #require(try await other.holdSessionLock(key: key))
                await next.release()
            }
            if engine == .postgres { await other.close() }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `the streams and the locks end with the database`(engine: TestEngine) async throws {
        try await TestDatabase.with(engine) { test in
            var stream = try await test.database.signals(of: ["a"]).makeAsyncIterator()
            await test.database.close()
            let end = await stream.next()
            #expect(end == nil)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a reader that is far behind is told that it missed something`(engine: TestEngine) async throws {
        try await TestDatabase.with(engine) { test in
            let database = test.database
            let stream = try await database.signals(of: ["a"])
            let quick = try await database.signals(of: ["a"])
            for block in 0..<18 {
                try await database.write(durability: .process) { transaction in
                    for number in 0..<1000 { try transaction.notify("a", "\(block * 1000 + number)") }
                }
            }
            let end = DatabaseSignal.notification(channel: "a", payload: "end")
            try await database.notify("a", "end")
            // The other stream is not read until all of it has come.
            for await signal in quick where signal == end { break }
            var heard: [DatabaseSignal] = []
            for await signal in stream {
                heard.append(signal)
                if signal == end { break }
            }
            let gaps = heard.filter { $0 == .interrupted || $0 == .resumed }
            #expect(gaps.contains(.interrupted))
            #expect(gaps.contains(.resumed))
            let count = heard.count
            #expect(count < 17_000)
        }
    }
}
