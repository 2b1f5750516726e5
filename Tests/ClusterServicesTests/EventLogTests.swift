import ClusterServices
import ClusterTestKit
import FoundationEssentials
import Logging
import Portable
import SharedDatabase
import Synchronization
import Testing

/// What happens to events that are written down, with buses that follow one another on one database.
@Suite struct EventLogTests {
    @Test(arguments: TestEngine.allCases)
    func `an event of a transaction that is rolled back never comes`(engine: TestEngine) async throws {
        try await withHome(engine) { home in
            let (bus, record) = try await home.bus("x")
            struct Undone: Error {}
            await #expect(throws: Undone.self) {
                try await home.append("undone") { throw Undone() }
            }
            try await home.append("done")
            bus.wake()
            await record.wait(for: 1)
            #expect(record.all == ["done"])
            await bus.stop(within: .seconds(30))
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a subscriber that hangs delays no other, and all that waits comes in order`(
        engine: TestEngine
    ) async throws {
        try await withHome(engine) { home in
            let bus = home.newBus()
            let (gate, slow, quick) = (Gate(), Record(), Record())
            _ = try await bus.subscribe(["*"], name: "slow") { event in
                await gate.wait()
                slow.add(event.id)
            }
            _ = try await bus.subscribe(["*"], name: "quick") { quick.add($0.id) }
            try await bus.start(home.source)
            let ids = (0..<300).map(String.init)
            for id in ids {
                try await home.append(id)
                bus.wake()
            }
            await quick.wait(for: 300)
            #expect(quick.all == ids)
            #expect(slow.all.isEmpty && home.source.finishedIDs.isEmpty)
            gate.open()
            await slow.wait(for: 300)
            #expect(slow.all == ids)
            await bus.stop(within: .seconds(30))
            #expect(home.source.finishedIDs == ids)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `after a restart an event comes only to those who had not finished with it`(
        engine: TestEngine
    ) async throws {
        try await withHome(engine) { home in
            let first = home.newBus()
            let (gate, begun, quick) = (Gate(), Record(), Record())
            _ = try await first.subscribe(["a"], name: "slow") { event in
                begun.add(event.id)
                await gate.wait()
            }
            _ = try await first.subscribe(["*"], name: "quick") { quick.add($0.id) }
            try await first.start(home.source)
            for id in ["1", "2", "3"] { try await home.append(id) }
            first.wake()
            await quick.wait(for: 3)
            await begun.wait(for: 1)
            await home.finish(on: first)
            // The handler that hangs is not waited for: its event is not finished.
            await first.stop(within: .zero)
            #expect(home.source.finishedIDs.isEmpty)

            let second = home.newBus()
            let again = ["slow": Record(), "quick": Record()]
            for (name, record) in again {
                _ = try await second.subscribe(["*"], name: name) { record.add($0.id) }
            }
            try await second.start(home.source)
            try await home.append("4")
            second.wake()
            await again["slow"]?.wait(for: 4)
            await again["quick"]?.wait(for: 1)
            await second.stop(within: .seconds(30))
            #expect(again["slow"]?.all == ["1", "2", "3", "4"] && again["quick"]?.all == ["4"])
            #expect(home.source.finishedIDs == ["1", "2", "3", "4"])
            gate.open()
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a stop hands out nothing more, and what was handed out counts when it ends well`(
        engine: TestEngine
    ) async throws {
        try await withHome(engine) { home in
            let bus = home.newBus()
            let (gate, begun) = (Gate(), Record())
            _ = try await bus.subscribe(["*"], name: "x") { event in
                begun.add(event.id)
                await gate.wait()
            }
            try await bus.start(home.source)
            for id in ["1", "2"] { try await home.append(id) }
            bus.wake()
            await begun.wait(for: 1)
            async let stop: Void = bus.stop(within: .seconds(60))
            while bus.subscriberCount > 0 { await Task.yield() }
            gate.open()
            await stop
            #expect(begun.all == ["1"] && home.source.finishedIDs == ["1"])
            let (next, record) = try await home.bus("x")
            await record.wait(for: 1)
            await next.stop(within: .seconds(30))
            #expect(record.all == ["2"])
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `an event whose handler throws counts as handled`(engine: TestEngine) async throws {
        try await withHome(engine) { home in
            let bus = home.newBus()
            let record = Record()
            struct Failure: Error {}
            _ = try await bus.subscribe(["*"], name: "x") { event in
                record.add(event.id)
                throw Failure()
            }
            try await bus.start(home.source)
            for id in ["1", "2"] { try await home.append(id) }
            bus.wake()
            await record.wait(for: 2)
            await bus.stop(within: .seconds(30))
            #expect(record.all == ["1", "2"] && home.source.finishedIDs == ["1", "2"])
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `an event that a handler cannot take now comes again before the next one`(
        engine: TestEngine
    ) async throws {
        try await withHome(engine) { home in
            let bus = home.newBus()
            let record = Record()
            _ = try await bus.subscribe(["*"], name: "x") { event in
                defer { record.add(event.id) }
                if record.all.count < 2 { throw EventNotTaken() }
            }
            try await bus.start(home.source)
            for id in ["1", "2"] { try await home.append(id) }
            bus.wake()
            await record.wait(for: 4)
            await bus.stop(within: .seconds(30))
            #expect(record.all == ["1", "1", "1", "2"])
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a new subscriber begins with what comes, one that was away with what it missed`(
        engine: TestEngine
    ) async throws {
        try await withHome(engine) { home in
            let (bus, old) = try await home.bus("old")
            let away = Record()
            let place = try await bus.subscribe(["*"], name: "away") { away.add($0.id) }
            try await home.append("1")
            bus.wake()
            await away.wait(for: 1)
            await home.finish(on: bus)
            place.cancel()
            try await home.append("2")
            bus.wake()
            await old.wait(for: 2)
            let new = Record()
            _ = try await bus.subscribe(["*"], name: "new") { new.add($0.id) }
            _ = try await bus.subscribe(["*"], name: "away") { away.add($0.id) }
            try await home.append("3")
            bus.wake()
            for (record, count) in [(old, 3), (away, 3), (new, 1)] { await record.wait(for: count) }
            await bus.stop(within: .seconds(30))
            #expect(old.all == ["1", "2", "3"] && away.all == ["1", "2", "3"] && new.all == ["3"])
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `what is kept for a subscriber that is forgotten is let go`(engine: TestEngine) async throws {
        try await withHome(engine) { home in
            let (first, _) = try await home.bus("gone")
            await first.stop(within: .seconds(30))
            try await home.append("1")
            let (second, record) = try await home.bus("x")
            #expect(home.source.finishedIDs.isEmpty)
            try await second.forget { $0 == "gone" }
            try await home.append("2")
            second.wake()
            await record.wait(for: 1)
            await second.stop(within: .seconds(30))
            #expect(record.all == ["2"] && home.source.finishedIDs == ["1", "2"])
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a subscriber gets the keys it wants, also those it begins to listen to`(
        engine: TestEngine
    ) async throws {
        try await withHome(engine) { home in
            let bus = home.newBus()
            let record = Record()
            let place = try await bus.subscribe(["a"], name: "x") { record.add($0.id) }
            try await bus.start(home.source)
            for (id, key) in [("1", "b"), ("2", "a")] { try await home.append(id, key: key) }
            bus.wake()
            await record.wait(for: 1)
            place.listen(to: ["b"])
            for (id, key) in [("3", "a"), ("4", "b")] { try await home.append(id, key: key) }
            bus.wake()
            await record.wait(for: 2)
            await bus.stop(within: .seconds(30))
            #expect(record.all == ["2", "4"] && home.source.finishedIDs == ["1", "2", "3", "4"])
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a record that cannot be read is left out and holds up nobody`(engine: TestEngine) async throws {
        try await withHome(engine) { home in
            let (bus, record) = try await home.bus("x")
            for id in ["1", "damaged", "3"] { try await home.append(id) }
            bus.wake()
            await record.wait(for: 2)
            await bus.stop(within: .seconds(30))
            #expect(record.all == ["1", "3"] && home.source.finishedIDs == ["1", "damaged", "3"])
        }
    }
}

/// A database with a log of events.
private struct EventHome: Sendable {
    let database: SharedDatabase
    let log: EventLog
    let source = Source()

    /// Makes events as they are stored; one named `damaged` cannot be.
    final class Source: EventSource {
        private let finished = Mutex<[String]>([])
        var finishedIDs: [String] { finished.withLock { $0 } }

        func event(for record: EventRecord, in transaction: DatabaseTransaction) throws -> Event? {
            struct Damaged: Error {}
            guard record.id != "damaged" else { throw Damaged() }
            return Event(
                key: record.key, payload: record.payload ?? .null, repository: record.repository,
                id: record.id)
        }

        func finished(_ records: [EventRecord], in transaction: DatabaseTransaction) throws {
            finished.withLock { $0 += records.map(\.id) }
        }
    }

    func newBus() -> EventBus {
        EventBus(log: log, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// A bus that has started, with one subscriber.
    func bus(_ name: String) async throws -> (EventBus, Record) {
        let (bus, record) = (newBus(), Record())
        _ = try await bus.subscribe(["*"], name: name) { record.add($0.id) }
        try await bus.start(source)
        return (bus, record)
    }

    /// Waits until those who hear of everything have finished with what they were handling.
    func finish(on bus: EventBus) async {
        _ = await bus.publish(Event(key: "sync", payload: .null, id: Record.ignored)).delivery()
    }

    func append(
        _ id: String, key: String = "a", then check: @escaping @Sendable () throws -> Void = {}
    ) async throws {
        try await database.write { transaction in
            try log.append(key, id: id, payload: ["n": 1], repository: RepositoryID(7), in: transaction)
            try check()
        }
    }
}

private func withHome(_ engine: TestEngine, _ body: (EventHome) async throws -> Void) async throws {
    try await TestDatabase.with(engine, migrations: EventLog.migrations) { test in
        let database = test.database
        try await body(EventHome(database: database, log: EventLog(database: database, node: NodeID("n"))))
    }
}
