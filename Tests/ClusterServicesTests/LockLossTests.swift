import ClusterServices
import ClusterTestKit
import Dispatch
import NodeTestKit
import Portable
import SharedDatabase
import Testing

@Suite struct LockLossTests {
    @Test(arguments: TestEngine.allCases)
    func `a holder that cannot renew is told before anybody else can have the lock`(
        _ engine: TestEngine
    ) async throws {
        try await TestDatabase.with(engine, migrations: TestNode.migrations) { test in
            let holder = try await TestNode.join(test, "a", lease: .seconds(2))
            let other = try await TestNode.join(test, "b", lease: .seconds(2))
            let taken = try await holder.locks.locks(namespace: "p").named("l").acquire()
            let told = Seen<Duration?>(nil)
            taken.onLoss { told.change { $0 = BootClock.system.now } }
            // The node goes on, and none of its renewals takes place.
            try await test.database.write { transaction in
                try transaction.execute("ALTER TABLE cluster_node RENAME COLUMN load TO load_not_there")
            }
            try await waitUntil("the holder is told") { told.value != nil }
            #expect(!taken.isHeld)
            try await test.database.write { transaction in
                try transaction.execute("ALTER TABLE cluster_node RENAME COLUMN load_not_there TO load")
            }
            let next = try await other.locks.locks(namespace: "p").named("l").acquire(wait: .seconds(60))
            #expect(next.token > taken.token)
            await #expect(throws: LockError.self) {
                try await holder.database.write { try $0.checkFence(taken.fence) }
            }
            await next.release()
            await holder.leave()
            await other.leave()
        }
    }

    @Test func `a holder is told while the database keeps a question about another node waiting`()
        async throws
    {
        try await TestDatabase.with(.postgres, migrations: TestNode.migrations) { test in
            let holder = try await TestNode.join(test, "a", lease: .seconds(6_000))
            let other = try await TestNode.join(test, "b", lease: .seconds(6_000))
            let third = try await TestNode.join(test, "c", lease: .seconds(6_000))
            let patient = try test.openAnother {
                ($0.statementTimeout, $0.lockTimeout) = (.seconds(600), .seconds(600))
                ($0.networkTimeout, $0.idleTransactionTimeout) = (.seconds(600), .seconds(600))
            }
            let locks = LockService(membership: holder.membership, database: patient)
            try await locks.start()
            let taken = try await locks.locks(namespace: "p").named("l").acquire()
            let told = Seen(false)
            taken.onLoss { told.change { $0 = true } }
            let held = try await other.locks.locks(namespace: "p").named("m").acquire()
            let place = try locks.locks(namespace: "p").named("m")
            let waiting = Task { try await place.acquire() }
            try await waitUntil("one waits") {
                try await other.locks.list().first { $0.name.name == "named/m" }?.waiters == 1
            }
            let (isHeld, gate) = (Seen(false), DispatchSemaphore(value: 0))
            defer { gate.signal() }
            let blocking = Task {
                try await patient.write { transaction in
                    try transaction.execute("LOCK TABLE cluster_lock IN ACCESS EXCLUSIVE MODE")
                    isHeld.change { $0 = true }
                    gate.wait()
                }
            }
            try await waitUntil("a table that nobody reads") { isHeld.value }
            await third.leave()
            try await waitUntil("the question") { try await Self.isAsking(test) }
            holder.clock.advance(by: .seconds(9_000))
            try await waitUntil("the holder is told") { told.value }
            #expect(try await Self.isAsking(test))
            gate.signal()
            try await blocking.value
            waiting.cancel()
            _ = await waiting.result
            await held.release()
            locks.stop()
            await holder.leave()
            await other.leave()
            await patient.close()
        }
    }

    /// Whether somebody waits for what a node that is gone had held.
    private static func isAsking(_ test: TestDatabase) async throws -> Bool {
        try await test.database.read { transaction in
            try !transaction.rows(
                """
                SELECT pid FROM pg_stat_activity WHERE datname = current_database()
                AND wait_event_type = 'Lock' AND query LIKE '%JOIN cluster_lock l ON%'
                AND pid <> pg_backend_pid()
                """
            ).isEmpty
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a holder that was stopped for long does not believe that it holds its lock`(
        _ engine: TestEngine
    ) async throws {
        try await withNodes(engine, 2, lease: .seconds(3)) { nodes in
            for _ in 0..<10 {
                let lock = try nodes[0].locks.locks(namespace: "p").named("l")
                let taken = try await lock.acquire(wait: .seconds(60))
                nodes[0].clock.advance(by: .seconds(9))
                #expect(!taken.isHeld)
                let there = try nodes[1].locks.locks(namespace: "p").named("l")
                let next = try await there.acquire(wait: .seconds(60))
                #expect(next.token > taken.token)
                await #expect(throws: LockError.self) {
                    try await nodes[0].database.write { try $0.checkFence(taken.fence) }
                }
                await next.release()
            }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `the lock of a dead node is granted to who waits first`(_ engine: TestEngine) async throws {
        try await withNodes(engine, 3, lease: .seconds(1)) { nodes in
            let locks = try nodes.map { try $0.locks.locks(namespace: "p").named("l") }
            let taken = try await locks[0].acquire()
            let second = Task { try await locks[1].acquire() }
            try await waitUntil("one waits") { try await nodes[1].locks.list().first?.waiters == 1 }
            let third = Task { try await locks[2].acquire() }
            try await waitUntil("two wait") { try await nodes[1].locks.list().first?.waiters == 2 }
            await nodes[0].die()
            let next = try await second.value
            #expect(next.token > taken.token && !taken.isHeld)
            await next.release()
            await (try third.value).release()
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `the lock of a node that leaves is free at once`(_ engine: TestEngine) async throws {
        try await withNodes(engine, 2, lease: .seconds(6_000)) { nodes in
            let taken = try await nodes[0].locks.locks(namespace: "p").named("l").acquire()
            let lock = try nodes[1].locks.locks(namespace: "p").named("l")
            let waiting = Task { try await lock.acquire() }
            try await waitUntil("one waits") { try await nodes[1].locks.list().first?.waiters == 1 }
            await nodes[0].leave()
            #expect(!taken.isHeld)
            await (try waiting.value).release()
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a node that has lost its lease takes locks again as the next incarnation`(
        _ engine: TestEngine
    ) async throws {
        try await withNodes(engine, 1, lease: .seconds(2)) { nodes in
            let lock = try nodes[0].locks.locks(namespace: "p").named("l")
            let taken = try await lock.acquire()
            let waiting = Task { try await lock.acquire() }
            nodes[0].clock.advance(by: .seconds(60))
            let next = try await waiting.value
            #expect(next.token > taken.token && next.isHeld && !taken.isHeld)
            await taken.release()
            #expect(next.isHeld)
            await next.release()
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a thing refuses a smaller token than it has seen`(_ engine: TestEngine) async throws {
        try await TestDatabase.with(engine, migrations: TestNode.migrations) { test in
            @Sendable func write(_ token: Int64, _ resource: String = "r") async throws {
                try await test.database.write {
                    try $0.checkFence(namespace: "p", resource: resource, token: token)
                }
            }
            try await write(5)
            try await write(5)
            try await write(7)
            await #expect(throws: LockError.staleToken(resource: "r", token: 6, seen: 7)) {
                try await write(6)
            }
            try await write(1, "other")
            try await write(7)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `locks that were not used for long are forgotten, and their tokens are not`(
        _ engine: TestEngine
    ) async throws {
        try await TestDatabase.with(engine, migrations: TestNode.migrations) { test in
            let node = try await TestNode.join(test, "a")
            let lock = try node.locks.locks(namespace: "p").named("l")
            for _ in 0..<3 { await (try await lock.acquire()).release() }
            let last = try await lock.acquire()
            await last.release()
            for _ in 0..<2 { try await node.locks.forgetUnused(asOf: 8 * 24 * 3_600_000) }
            let rows = try await test.database.read { try $0.rows("SELECT name FROM cluster_lock").count }
            #expect(rows == 0)
            let next = try await lock.acquire()
            #expect(next.token > last.token)
            await next.release()
            await node.leave()
        }
    }
}
