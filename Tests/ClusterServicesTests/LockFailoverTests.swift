import ClusterServices
import ClusterTestKit
import NodeTestKit
import SharedDatabase
import Testing

/// A standby that lacks the last commits becomes the database.
@Suite struct LockFailoverTests {
    @Test func `tokens go on after a failover that lost grants, and no two nodes hold the lock`() async throws
    {
        let servers = try await FollowedServer(TestNode.migrations)
        let test = try await TestDatabase.open(.postgres)
        let history = LockHistory()
        let first = try await TestNode.join(test, "a", lease: .seconds(3), url: servers.url)
        let second = try await TestNode.join(test, "b", lease: .seconds(3), url: servers.url)
        let before = try await first.locks.locks(namespace: "p").named("l").acquire()
        try await servers.waitForStandby()
        try await servers.cutStandbyOff()

        // All of this is lost: the lock is free or the first node's in the standby.
        await before.release()
        var lost: LockGuard?
        for _ in 0..<20 {
            await lost?.release()
            lost = try await second.locks.locks(namespace: "p").named("l").acquire(wait: .seconds(30))
        }
        let holder = try #require(lost)
        let grant = history.begin(holder.name, token: holder.token, holder: "b")
        try await servers.failOver()

        let watching = Task {
            while !Task.isCancelled {
                if holder.isHeld { history.confirm(grant) }
                await Task.yield()
            }
        }
        let next = try await first.locks.locks(namespace: "p").named("l").acquire(wait: .seconds(60))
        let later = history.begin(next.name, token: next.token, holder: "a")
        history.confirm(later)
        watching.cancel()
        await watching.value
        #expect(!holder.isHeld)
        #expect(next.token > holder.token && next.token >> 40 > holder.token >> 40)
        #expect(history.violations == [])
        await #expect(throws: LockError.self) {
            try await second.database.write { try $0.checkFence(holder.fence) }
        }
        await next.release()
        await first.leave()
        await second.leave()
        await test.database.close()
    }

    @Test func `who holds a lock over a failover that lost nothing goes on holding it`() async throws {
        let servers = try await FollowedServer(TestNode.migrations)
        let test = try await TestDatabase.open(.postgres)
        let node = try await TestNode.join(test, "a", lease: .seconds(60), url: servers.url)
        let incarnation = try node.membership.incarnation()
        let taken = try await node.locks.locks(namespace: "p").named("l").acquire()
        var changes = node.membership.changes().makeAsyncIterator()
        try await servers.waitForStandby()
        try await servers.failOver()
        guard case .historyChanged = await changes.next() else { throw Unexpected() }
        #expect(try await node.membership.certainIncarnation(within: .seconds(60)) == incarnation)
        #expect(taken.isHeld)
        await taken.release()
        await node.leave()
        await test.database.close()
    }
}
