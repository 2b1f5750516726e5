import ClusterServices
import ClusterTestKit
import Foundation
import NodeTestKit
import Synchronization
import Testing

/// Many nodes take and give back a few locks while nodes die, are stopped, lose connections and leave. Nobody
/// may see two holders of a lock, nor a token that is not greater than those before.
///
/// `PERIGEE_LOCK_SECONDS`, `PERIGEE_LOCK_NODES` and `PERIGEE_LOCK_NAMES` change how long and how many.
@Suite struct LockRandomRunTests {
    @Test(arguments: TestEngine.allCases)
    func `no two runs hold one lock, whatever happens to nodes`(_ engine: TestEngine) async throws {
        let seconds = LockRandomRunTests.parameter("SECONDS", 4)
        let count = LockRandomRunTests.parameter("NODES", 4)
        let names = LockRandomRunTests.parameter("NAMES", 3)
        try await TestDatabase.with(engine, migrations: TestNode.migrations) { test in
            let history = LockHistory()
            let end = BootClock.system.now + .seconds(Int64(seconds))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<count {
                    group.addTask {
                        var life = 0
                        while BootClock.system.now < end {
                            life += 1
                            let node = try await TestNode.join(test, "node\(number)", lease: .seconds(1))
                            try await live(node, "\(number).\(life)", names: names, history, until: end)
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(history.violations == [])
            #expect(history.count > 0)
            print("\(engine): \(history.count) grants, \(history.violations.count) violations")
        }
    }

    /// One life of a node: some runs, and then an end of some kind.
    private func live(
        _ node: TestNode, _ life: String, names: Int, _ history: LockHistory, until end: Duration
    ) async throws {
        let lifeEnd = min(end, BootClock.system.now + .milliseconds(Int64.random(in: 200...2_000)))
        await withTaskGroup(of: Void.self) { group in
            for run in 0..<3 {
                group.addTask {
                    while BootClock.system.now < lifeEnd {
                        let name = "l\(Int.random(in: 0..<names))"
                        try? await use(node, name, "\(life).\(run)", history, until: lifeEnd)
                    }
                }
            }
        }
        switch Int.random(in: 0..<4) {
        case 0: await node.die()
        case 1:
            // Stopped for longer than its lease, with whatever it held.
            let lock = try node.locks.locks(namespace: "p").named("l0")
            if let taken = try? await lock.acquire(wait: .milliseconds(200)) {
                let grant = history.begin(lock.name, token: taken.token, holder: life)
                if taken.isHeld { history.confirm(grant) }
                node.clock.advance(by: .seconds(5))
                if taken.isHeld { history.confirm(grant) }
            }
            await node.leave()
        default: await node.leave()
        }
    }

    private func use(
        _ node: TestNode, _ name: String, _ holder: String, _ history: LockHistory, until end: Duration
    ) async throws {
        let lock = try node.locks.locks(namespace: "p").named(name)
        let rest = max(.milliseconds(10), end - BootClock.system.now)
        let taken = Bool.random() ? try await lock.tryAcquire() : try await lock.acquire(wait: rest)
        guard let taken else { return }
        let grant = history.begin(lock.name, token: taken.token, holder: holder)
        for _ in 0..<Int.random(in: 0..<20) {
            if taken.isHeld { history.confirm(grant) }
            await Task.yield()
        }
        await taken.release()
    }

    private static func parameter(_ name: String, _ usual: Int) -> Int {
        ProcessInfo.processInfo.environment["PERIGEE_LOCK_\(name)"].flatMap(Int.init) ?? usual
    }
}
