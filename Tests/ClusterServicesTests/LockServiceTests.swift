import ClusterServices
import ClusterTestKit
import NodeTestKit
import Portable
import SharedDatabase
import Testing

@Suite struct LockServiceTests {
    @Test(arguments: TestEngine.allCases)
    func `one node holds a lock at a time, each with a greater token`(_ engine: TestEngine) async throws {
        try await withNodes(engine, 2) { nodes in
            let here = try nodes[0].locks.locks(namespace: "p").named("l")
            let there = try nodes[1].locks.locks(namespace: "p").named("l")
            let first = try #require(try await here.tryAcquire())
            #expect(first.isHeld)
            #expect(try await there.tryAcquire() == nil)
            #expect(try await here.tryAcquire() == nil)
            await first.release()
            #expect(!first.isHeld)
            let second = try #require(try await there.tryAcquire())
            #expect(second.token > first.token)
            await second.release()
            let third = try await here.acquire()
            #expect(third.token > second.token)
            await third.release()
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `locks of other names, repositories and namespaces do not wait for each other`(
        _ engine: TestEngine
    ) async throws {
        try await withNodes(engine, 1) { nodes in
            let mine = try nodes[0].locks.locks(namespace: "p")
            let others = try nodes[0].locks.locks(namespace: "q")
            let all = try [
                mine.named("l"), mine.named("m"), others.named("l"), nodes[0].locks.host.named("l"),
                mine.repository("l", 1), mine.repository("l", 2), mine.repository("m", 1),
                mine.pullRequest("l", 1, number: 1), mine.pullRequest("l", 1, number: 2),
                mine.named("repository/1/l"),
            ]
            var guards: [LockGuard] = []
            for lock in all { guards.append(try #require(try await lock.tryAcquire())) }
            #expect(try await mine.repository("l", 1).tryAcquire() == nil)
            for taken in guards { await taken.release() }
        }
    }

    @Test func `a plugin reaches no lock of the program's own, and no name without limits`() async throws {
        try await withNodes(.sqlite, 1) { nodes in
            let locks = nodes[0].locks
            #expect(throws: LockError.reservedNamespace("perigee")) { try locks.locks(namespace: "perigee") }
            let mine = try locks.locks(namespace: "p")
            for name in ["", "a\nb", String(repeating: "x", count: 256)] {
                #expect(throws: LockError.invalidName(name)) { try mine.named(name) }
            }
            _ = try mine.named(String(repeating: "ä", count: 127))
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `the run that holds a lock is refused when it asks again, another one waits`(
        _ engine: TestEngine
    ) async throws {
        try await withNodes(engine, 1) { nodes in
            let lock = try nodes[0].locks.locks(namespace: "p").named("l")
            let run = LockRun()
            let taken = try await lock.acquire(run: run)
            await #expect(throws: LockError.reentry(lock.name)) { try await lock.acquire(run: run) }
            await #expect(throws: LockError.reentry(lock.name)) { try await lock.tryAcquire(run: run) }
            #expect(try await lock.tryAcquire(run: LockRun()) == nil)
            await taken.release()
            await (try lock.acquire(run: run)).release()
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `who waits too long is told, and leaves no trace`(_ engine: TestEngine) async throws {
        try await withNodes(engine, 2) { nodes in
            for node in nodes {
                let lock = try node.locks.locks(namespace: "p").named("l")
                let taken = try await nodes[0].locks.locks(namespace: "p").named("l").acquire()
                await #expect(throws: LockError.timedOut(lock.name, waited: .milliseconds(50))) {
                    try await lock.acquire(wait: .milliseconds(50))
                }
                let waiting = Task { try await lock.acquire() }
                waiting.cancel()
                await #expect(throws: CancellationError.self) { try await waiting.value }
                await taken.release()
                try await waitUntil("the lock is free") {
                    guard let again = try await lock.tryAcquire() else { return false }
                    await again.release()
                    return true
                }
            }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a guard that nobody refers to any more gives its lock back`(_ engine: TestEngine) async throws {
        try await withNodes(engine, 2) { nodes in
            do {
                let taken = try await nodes[0].locks.locks(namespace: "p").named("l").acquire()
                #expect(taken.isHeld)
            }
            let lock = try nodes[1].locks.locks(namespace: "p").named("l")
            await (try lock.acquire(wait: .seconds(60))).release()
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `the body's error comes out of withLock, and the lock is free`(_ engine: TestEngine) async throws {
        try await withNodes(engine, 1) { nodes in
            let lock = try nodes[0].locks.locks(namespace: "p").named("l")
            await #expect(throws: Unexpected.self) {
                try await lock.withLock { _ in throw Unexpected() }
            }
            #expect(try await lock.withLock { $0.isHeld })
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `what a plugin held ends when it stops, and its waiters with it`(_ engine: TestEngine) async throws {
        try await withNodes(engine, 2) { nodes in
            let lock = try nodes[0].locks.locks(namespace: "p").named("l")
            let taken = try await lock.acquire()
            let isLost = Seen(false)
            taken.onLoss { isLost.change { $0 = true } }
            let waiting = Task { try await lock.acquire() }
            try await waitUntil("one waits") { try await nodes[0].locks.list().first?.waiters == 1 }
            nodes[0].locks.release(namespace: "p")
            await #expect(throws: LockError.stopped) { try await waiting.value }
            #expect(isLost.value && !taken.isHeld)
            let there = try nodes[1].locks.locks(namespace: "p").named("l")
            await (try there.acquire(wait: .seconds(60))).release()
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `an administrator sees who holds what, since when, and who waits`(_ engine: TestEngine) async throws
    {
        try await withNodes(engine, 2) { nodes in
            let taken = try await nodes[0].locks.locks(namespace: "p").repository("l", 7).acquire(
                label: "rebuild")
            let waiting = try [nodes[0], nodes[1]].map { node in
                let lock = try node.locks.locks(namespace: "p").repository("l", 7)
                return Task { try await lock.acquire() }
            }
            try await waitUntil("both wait") { try await nodes[1].locks.list().first?.waiters == 2 }
            let seen = try #require(try await nodes[1].locks.list(namespace: "p").first)
            #expect("\(seen.name)" == "p:repository/7/l" && seen.label == "rebuild" && seen.nodeID == "node0")
            #expect(seen.token == taken.token && seen.ageMilliseconds >= 0)
            #expect(try await nodes[1].locks.list(namespace: "q").isEmpty)
            await taken.release()
            for task in waiting { await (try task.value).release() }
            try await waitUntil("nothing is held") { try await nodes[1].locks.list().isEmpty }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a broken lock goes to the next one, and its old token is refused`(_ engine: TestEngine) async throws
    {
        try await withNodes(engine, 2) { nodes in
            let here = try nodes[0].locks.locks(namespace: "p").named("l")
            let there = try nodes[1].locks.locks(namespace: "p").named("l")
            #expect(try await nodes[1].locks.breakLock(here.name) == false)
            let taken = try await here.acquire()
            let isLost = Seen(false)
            taken.onLoss { isLost.change { $0 = true } }
            let waiting = Task { try await there.acquire() }
            try await waitUntil("one waits") { try await nodes[0].locks.list().first?.waiters == 1 }
            #expect(try await nodes[1].locks.breakLock(here.name))
            let next = try await waiting.value
            try await waitUntil("the holder is told") { isLost.value }
            #expect(!taken.isHeld && next.isHeld && next.token > taken.token)
            let database = nodes[0].database
            try await database.write { try $0.checkFence(next.fence) }
            await #expect(throws: LockError.self) {
                try await database.write { try $0.checkFence(taken.fence) }
            }
            await taken.release()
            #expect(next.isHeld)
            await next.release()
        }
    }
}

/// Runs the body with nodes that have joined one cluster.
func withNodes<R>(
    _ engine: TestEngine, _ count: Int, lease: Duration = .seconds(10),
    _ body: ([TestNode]) async throws -> R
) async throws -> R {
    try await TestDatabase.with(engine, migrations: TestNode.migrations) { test in
        var nodes: [TestNode] = []
        for number in 0..<count { nodes.append(try await TestNode.join(test, "node\(number)", lease: lease)) }
        let result: R
        do {
            result = try await body(nodes)
        } catch {
            for node in nodes { await node.leave() }
            throw error
        }
        for node in nodes { await node.leave() }
        return result
    }
}
