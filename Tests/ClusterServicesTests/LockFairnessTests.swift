import ClusterServices
import ClusterTestKit
import NodeTestKit
import Portable
import SharedDatabase
import Testing

@Suite struct LockFairnessTests {
    @Test(
        arguments: TestEngine.allCases, [[0, 0, 0, 0], [1, 1, 1], [0, 1, 0, 1, 0], [1, 0, 0, 2, 1, 2, 0]])
    func `who came first is served first, on whichever node`(
        _ engine: TestEngine, _ order: [Int]
    ) async throws {
        try await withNodes(engine, 3) { nodes in
            let taken = try await nodes[0].locks.locks(namespace: "p").named("l").acquire()
            let served = Seen<[Int]>([])
            var tasks: [Task<Void, any Error>] = []
            for (place, node) in order.enumerated() {
                let lock = try nodes[node].locks.locks(namespace: "p").named("l")
                tasks.append(
                    Task {
                        let mine = try await lock.acquire()
                        served.change { $0.append(place) }
                        await mine.release()
                    })
                try await waitUntil("\(place + 1) wait") {
                    try await nodes[0].locks.list().first?.waiters == Int64(place + 1)
                }
                // Runs beside the holder queue in memory, before those of whom their node has not heard yet.
                guard order[...place].contains(where: { $0 != 0 }) else { continue }
                try await waitUntil("the holder's node knows") { nodes[0].locks.isContended(taken.name) }
            }
            await taken.release()
            for task in tasks { try await task.value }
            #expect(served.value == Array(order.indices))
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `nobody who tries overtakes those who wait`(_ engine: TestEngine) async throws {
        try await withNodes(engine, 3) { nodes in
            let locks = try nodes.map { try $0.locks.locks(namespace: "p").named("l") }
            let first = try await locks[0].acquire()
            let second = Task { try await locks[1].acquire() }
            try await waitUntil("one waits") { try await nodes[0].locks.list().first?.waiters == 1 }
            let attempts = Task {
                var overtaken = 0
                while !Task.isCancelled {
                    if let taken = try await locks[2].tryAcquire() {
                        overtaken += 1
                        await taken.release()
                    }
                }
                return overtaken
            }
            await first.release()
            let held = try await second.value
            attempts.cancel()
            #expect((try? await attempts.value) ?? 0 == 0)
            await held.release()
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a dead waiter is skipped`(_ engine: TestEngine) async throws {
        try await withNodes(engine, 3, lease: .seconds(1)) { nodes in
            let locks = try nodes.map { try $0.locks.locks(namespace: "p").named("l") }
            let first = try await locks[0].acquire()
            let dead = Task { try await locks[1].acquire() }
            try await waitUntil("one waits") { try await nodes[0].locks.list().first?.waiters == 1 }
            let living = Task { try await locks[2].acquire() }
            try await waitUntil("two wait") { try await nodes[0].locks.list().first?.waiters == 2 }
            await nodes[1].die()
            await first.release()
            await (try living.value).release()
            dead.cancel()
            nodes[1].locks.stop()
            _ = await dead.result
        }
    }

    @Test func `a contended lock goes from node to node with one notification`()
        async throws
    {
        try await TestDatabase.with(.postgres, migrations: TestNode.migrations) { test in
            let nodes = [try await TestNode.join(test, "a"), try await TestNode.join(test, "b")]
            let locks = try nodes.map { try $0.locks.locks(namespace: "p").named("l") }
            let first = try await locks[0].acquire()
            let waiting = Task { try await locks[1].acquire() }
            try await waitUntil("one waits") { try await nodes[0].locks.list().first?.waiters == 1 }
            let grants = GrantCounter()
            let signals = try await test.database.signals(of: ["perigee_locks"])
            let listener = Task { for await signal in signals { grants.count(signal) } }
            await first.release()
            let second = try await waiting.value
            try await waitUntil("the notification has come") { grants.total == 1 }
            #expect(second.isHeld)
            await second.release()
            listener.cancel()
            for node in nodes { await node.leave() }
        }
    }

    @Test func `a grant whose notification is lost is found all the same`() async throws {
        try await TestDatabase.with(.postgres, migrations: TestNode.migrations) { test in
            let nodes = [
                try await TestNode.join(test, "a", lease: .seconds(600)),
                try await TestNode.join(test, "b", lease: .seconds(600)),
            ]
            let locks = try nodes.map { try $0.locks.locks(namespace: "p").named("l") }
            for _ in 0..<5 {
                let first = try await locks[0].acquire()
                let waiting = Task { try await locks[1].acquire() }
                try await waitUntil("one waits") { try await nodes[0].locks.list().first?.waiters == 1 }
                try await test.database.write { transaction in
                    _ = try transaction.rows(
                        """
                        SELECT pg_terminate_backend(pid) AS done FROM pg_locks WHERE locktype = 'advisory'
                        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                        """)
                }
                await first.release()
                await (try waiting.value).release()
            }
            for node in nodes { await node.leave() }
        }
    }
}

/// Counts grants among notifications.
private final class GrantCounter: Sendable {
    private let seen = Seen(0)

    var total: Int { seen.value }

    func count(_ signal: DatabaseSignal) {
        if case .notification(_, let payload) = signal, payload.hasPrefix("granted") {
            seen.change { $0 += 1 }
        }
    }
}
