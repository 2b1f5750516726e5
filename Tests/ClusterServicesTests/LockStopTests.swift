import ClusterTestKit
import Foundation
import NodeTestKit
import Synchronization
import Testing

@testable import ClusterServices

/// Who waits for a lock may be cancelled at the moment in which it is granted.
@Suite struct LockStopTests {
    @Test(arguments: TestEngine.allCases)
    func `who is granted, refused or let go is told while the locks can be used`(
        _ engine: TestEngine
    ) async throws {
        try await withNodes(engine, 2) { nodes in
            let locks = nodes[0].locks
            let name = try locks.locks(namespace: "p").named("l").name
            let told = Seen<[Bool]>([])
            // A cancelled task's handler waits for the locks, and nobody can resume that task meanwhile.
            let isUsable: @Sendable () -> Bool = {
                let used = DispatchSemaphore(value: 0)
                Thread.detachNewThread {
                    locks.state.withLock { _ in }
                    used.signal()
                }
                return used.wait(timeout: .now() + 20) == .success
            }
            let wait: @Sendable (Int64) -> Void = { id in
                let waiter = LocalLock.Waiter(
                    id: -id, run: LockRun(), label: nil, isTry: id == 3,
                    answer: { result in
                        let isFree = isUsable()
                        told.change { $0.append(isFree) }
                        guard case .success(let hold?) = result else { return }
                        _ = hold.release()
                        locks.giveBack(hold) {
                            let isFree = isUsable()
                            told.change { $0.append(isFree) }
                        }
                    })
                locks.state.withLock { $0.locks[name, default: LocalLock()].queue.append(waiter) }
                locks.proceed(name)
            }
            // The first from the row, the second from the first or anew.
            wait(1)
            wait(2)
            try await waitUntil("both were let go") { told.value.count == 4 }
            let taken = try await nodes[1].locks.locks(namespace: "p").named("l").acquire()
            // Refused.
            wait(3)
            try await waitUntil("one was refused") { told.value.count == 5 }
            // By notification, with a place in the queue of the other node's lock.
            wait(4)
            try await waitUntil("one waits") { try await locks.list().first?.waiters == 1 }
            await taken.release()
            try await waitUntil("the last was let go") { told.value.count == 7 }
            #expect(!told.value.contains(false))
        }
    }

    @Test func `waiters that are cancelled while they are granted locks end, and the node goes on`()
        async throws
    {
        try await withNodes(.sqlite, 1) { nodes in
            let locks = try nodes[0].locks.locks(namespace: "p")
            let all = try (0..<4).map { try locks.named("l\($0)") }
            for _ in 0..<200 {
                let granted = Seen(0)
                let users = Task {
                    await withTaskGroup(of: Void.self) { group in
                        for number in 0..<32 {
                            group.addTask {
                                while !Task.isCancelled {
                                    guard let taken = try? await all[number % 4].acquire() else { return }
                                    granted.change { $0 += 1 }
                                    await taken.release()
                                }
                            }
                        }
                    }
                }
                try await waitUntil("locks are granted") { granted.value >= 32 }
                users.cancel()
                await users.value
            }
            #expect(nodes[0].membership.isMember)
            await (try all[0].acquire()).release()
        }
    }
}
