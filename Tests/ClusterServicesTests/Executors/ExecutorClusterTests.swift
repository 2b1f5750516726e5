import ClusterTestKit
import Foundation
import NodeTestKit
import Portable
import SharedDatabase
import Synchronization
import Testing

@testable import ClusterServices

/// What holds when several nodes work on the same executor, and when they fail.
struct ExecutorClusterTests {
    private static let settings = ExecutorSettings(
        batch: 5, attemptsMax: 50, backoff: .milliseconds(20), concurrency: .perNode(4))

    @discardableResult
    private func define(
        on node: ExecutorNode, _ deliveries: Deliveries, settings: ExecutorSettings = Self.settings,
        _ process: @escaping @Sendable (TaskBatch) async throws -> TaskEffects? = { _ in nil }
    ) async throws -> BucketedExecutor {
        try await node.executors.define(namespace: "test", name: "work", settings: settings) { batch in
            guard !node.isDead else { throw TaskNotTaken() }
            deliveries.begin(node.number, batch)
            defer { deliveries.end(batch) }
            return try await process(batch)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `no task is lost, reordered or worked on twice at once while nodes are killed`(
        _ engine: TestEngine
    ) async throws {
        try await ExecutorCluster.with(engine, nodes: 3, lease: .seconds(1)) { cluster in
            let deliveries = Deliveries()
            let buckets = 20
            let perBucket = 60
            let process: @Sendable (TaskBatch) async throws -> TaskEffects? = { batch in
                for _ in 0..<5 { await Task.yield() }
                let values = batch.tasks.map { $0.payload.integerValue ?? -1 }
                return { transaction in
                    for value in values {
                        try transaction.execute(
                            "INSERT INTO effect (bucket, value) VALUES (?, ?)",
                            [.text(batch.bucket), .integer(value)])
                    }
                }
            }
            for node in cluster.all { try await define(on: node, deliveries, process) }
            // Submitted by a node that is not killed, and has no processor of its own.
            let submitter = try await cluster.addNode()
            let work = try await submitter.executors.define(
                namespace: "test", name: "work", settings: Self.settings
            ) { _ in throw TaskNotTaken() }
            await work.end()
            for value in 0..<perBucket {
                try await work.submit(
                    (0..<buckets).map { NewTask(bucket: "b\($0)", payload: .integer(Int64(value))) })
                if value == 20 || value == 40 {
                    let victim = cluster[value == 20 ? 0 : 1]
                    try await waitUntil("work on the node to be killed") {
                        deliveries.all.contains { $0.node == victim.number }
                    }
                    await victim.kill()
                    if value == 20 {
                        try await define(on: try await cluster.addNode(), deliveries, process)
                    }
                }
            }
            try await cluster.waitUntilEmpty()
            for bucket in 0..<buckets {
                #expect(deliveries.firsts("b\(bucket)") == Array(0..<Int64(perBucket)), "bucket \(bucket)")
                // Exactly once, as the effects are written with the completion.
                #expect(try await cluster.effects("b\(bucket)") == Array(0..<Int64(perBucket)))
            }
            let total = deliveries.all.reduce(0) { $0 + $1.values.count }
            // What a killed node had claimed comes again: its four batches.
            #expect(total - buckets * perBucket <= 2 * 4 * 5 * 2)
            #expect(try await submitter.executors.fetchDeadLetters().isEmpty)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a submission that commits late keeps its place, and none is skipped`(
        _ engine: TestEngine
    ) async throws {
        try await ExecutorCluster.with(engine, nodes: 2) { cluster in
            let deliveries = Deliveries()
            for node in cluster.all { try await define(on: node, deliveries) }
            let slow = try await define(on: cluster[0], deliveries)
            let quick = try await define(on: cluster[1], deliveries)
            let begun = ExecutorGate()
            let proceed = DispatchSemaphore(value: 0)
            async let first: Void = cluster[0].database.write { transaction in
                try slow.submit([NewTask(bucket: "a", payload: .integer(1))], in: transaction)
                begun.open()
                proceed.wait()
            }
            await begun.pass()
            async let second: Void = quick.submit(bucket: "a", .integer(2))
            if engine == .postgres {
                // Another node's tasks in other buckets do not wait for the slow one.
                let other = try await define(on: try await cluster.addNode(), deliveries)
                try await other.submit(bucket: "b", .integer(3))
                try await waitUntil("the other bucket") { deliveries.values("b") == [3] }
            }
            #expect(deliveries.values("a").isEmpty)
            proceed.signal()
            _ = try await (first, second)
            try await cluster.waitUntilEmpty()
            #expect(deliveries.values("a") == [1, 2])
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `the end of a batch whose node was paused past its lease is refused, and the task runs once more`(
        _ engine: TestEngine
    ) async throws {
        try await ExecutorCluster.with(engine, nodes: 2, lease: .seconds(1)) { cluster in
            let deliveries = Deliveries()
            let gate = ExecutorGate()
            let ended = ExecutorGate()
            let effects: @Sendable (Int) -> TaskEffects = { node in
                { transaction in
                    try transaction.execute(
                        "INSERT INTO effect (bucket, value) VALUES ('a', ?)", [.integer(Int64(node))])
                }
            }
            let work = try await define(on: cluster[0], deliveries) { batch in
                if batch.bucket == "a" {
                    await gate.pass()
                    return effects(1)
                }
                await gate.pass()
                ended.open()
                return nil
            }
            try await work.submit(bucket: "a", .integer(1))
            try await work.submit(bucket: "b", .integer(1))
            try await waitUntil("both runs") { deliveries.all.count == 2 }
            cluster[0].pause()
            try await define(on: cluster[1], deliveries) { batch in batch.bucket == "a" ? effects(2) : nil }
            try await waitUntil("the other node's runs") { deliveries.all.count == 4 }
            try await cluster.waitUntilEmpty()
            gate.open()
            await ended.pass()
            try await waitUntil("the end of the old runs") {
                cluster[0].executors.state.withLock { state in
                    state.slots.values.allSatisfy(\.running.isEmpty) && state.settlements.isEmpty
                }
            }
            #expect(try await cluster.effects("a") == [2])
            #expect(deliveries.all.filter { $0.node == 2 }.map(\.attempt) == [2, 2])
            #expect(deliveries.all.count == 4)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `what a batch writes beside is refused once another node has its tasks`(
        _ engine: TestEngine
    )
        async throws
    {
        try await ExecutorCluster.with(engine, nodes: 2, lease: .seconds(1)) { cluster in
            let deliveries = Deliveries()
            let gate = ExecutorGate()
            let refusals = Mutex<[String]>([])
            let ended = ExecutorGate()
            let store = KeyValueStore(database: cluster[0].database)
            let put: @Sendable (TaskBatch, PortableValue) async throws -> Void = { batch, value in
                _ = try await store.put(
                    namespace: "n", key: "k", value: value, condition: batch.fence, quotaBytes: 1 << 20)
            }
            let work = try await define(on: cluster[0], deliveries) { batch in
                try await put(batch, "before")
                await gate.pass()
                for attempt in 0..<3 {
                    do {
                        switch attempt {
                        case 0: try await put(batch, "late")
                        case 1:
                            _ = try await store.delete(namespace: "n", key: "k", condition: batch.fence)
                        default:
                            _ = try await store.apply(
                                namespace: "n", reads: [:], writes: [(key: "k", value: "late")],
                                condition: batch.fence, quotaBytes: 1 << 20)
                        }
                    } catch let error as LockError {
                        refusals.withLock { $0.append("\(error)") }
                    }
                }
                ended.open()
                return nil
            }
            try await work.submit(bucket: "a", .integer(1))
            try await waitUntil("the first write") {
                try await store.fetchValue(namespace: "n", key: "k")?.value == "before"
            }
            cluster[0].pause()
            try await define(on: cluster[1], deliveries) { batch in
                try await put(batch, "taken over")
                return nil
            }
            try await waitUntil("the other node's write") {
                try await store.fetchValue(namespace: "n", key: "k")?.value == "taken over"
            }
            try await cluster.waitUntilEmpty()
            gate.open()
            await ended.pass()
            #expect(try await store.fetchValue(namespace: "n", key: "k")?.value == "taken over")
            let text = "bucket \"a\" is not this batch's any more"
            #expect(refusals.withLock { $0 } == [text, text, text])
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a batch of a killed node goes to another one as its next attempt`(_ engine: TestEngine) async throws
    {
        try await ExecutorCluster.with(engine, nodes: 2, lease: .seconds(1)) { cluster in
            let deliveries = Deliveries()
            let gate = ExecutorGate()
            let work = try await define(
                on: cluster[0], deliveries, settings: ExecutorSettings(attemptsMax: 1)
            ) { _ in
                await gate.pass()
                return nil
            }
            try await work.submit((1...3).map { NewTask(bucket: "a", payload: .integer($0)) })
            try await waitUntil("the run") { deliveries.all.count == 1 }
            await cluster[0].kill()
            try await define(on: cluster[1], deliveries, settings: ExecutorSettings(attemptsMax: 1))
            try await cluster.waitUntilEmpty()
            gate.open()
            // It was the only attempt, but nobody knows yet that the node died of it.
            #expect(deliveries.values("a") == [1, 1, 2, 3])
            #expect(deliveries.all.map(\.attempt) == [1, 2, 1, 1])
            #expect(try await cluster[1].executors.fetchDeadLetters().isEmpty)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a task that its nodes die of becomes a dead letter`(_ engine: TestEngine) async throws {
        try await ExecutorCluster.with(engine) { cluster in
            let deliveries = Deliveries()
            let gate = ExecutorGate()
            let settings = ExecutorSettings(attemptsMax: 1)
            let work = try await define(on: cluster[0], deliveries, settings: settings) { batch in
                if batch.bucket == "a" { await gate.pass() }
                return nil
            }
            try await work.submit(bucket: "a", .integer(1))
            for attempt in 1...3 {
                try await waitUntil("attempt \(attempt)") { deliveries.all.count == attempt }
                // The row says what it would if the node had died there: the owner is nobody that lives.
                try await cluster[0].database.write { transaction in
                    try transaction.execute("UPDATE executor_bucket SET owner = 1 WHERE owner > 0")
                }
                cluster[0].executors.lookEverywhere()
                if attempt < 3 {
                    cluster[0].executors.state.withLock { state in
                        for id in state.slots.keys { state.slots[id]?.running = [:] }
                    }
                    cluster[0].executors.lookEverywhere()
                }
            }
            cluster[0].executors.state.withLock { state in
                for id in state.slots.keys { state.slots[id]?.running = [:] }
            }
            cluster[0].executors.lookEverywhere()
            try await cluster.waitUntilEmpty()
            let dead = try await cluster[0].executors.fetchDeadLetters()
            #expect(dead.map(\.error) == ["the node ended while it worked on this"])
            gate.open()
        }
    }

    /// The examples of "Making plugins compatible with Bitbucket Data Center", "Executors in a cluster".
    @Test(arguments: [(2, 3, 1), (3, 2, 2), (1, 5, 1), (4, 1, 4), (4, 3, 2), (10, 5, 2), (11, 5, 3)])
    func `a limit per cluster is divided by the nodes and rounded up`(_ limit: Int, _ nodes: Int, _ each: Int)
    {
        #expect(ExecutorSettings.Concurrency.perCluster(limit).limit(nodes: nodes) == each)
        #expect(ExecutorSettings.Concurrency.perNode(limit).limit(nodes: nodes) == limit)
    }

    @Test(arguments: TestEngine.allCases)
    func `a limit per cluster holds on one to five nodes`(_ engine: TestEngine) async throws {
        try await ExecutorCluster.with(engine) { cluster in
            let settings = ExecutorSettings(concurrency: .perCluster(3))
            for nodes in 1...5 {
                if nodes > 1 { try await cluster.addNode() }
                let deliveries = Deliveries()
                let gate = ExecutorGate()
                var works: [BucketedExecutor] = []
                for node in cluster.all {
                    works.append(
                        try await define(on: node, deliveries, settings: settings) { _ in
                            await gate.pass()
                            return nil
                        })
                }
                let each = settings.concurrency.limit(nodes: nodes)
                #expect(each == [3, 2, 1, 1, 1][nodes - 1])
                try await works[0].submit((0..<20).map { NewTask(bucket: "\($0)", payload: .integer($0)) })
                try await waitUntil("\(nodes) nodes with \(each) runs each") {
                    cluster.all.allSatisfy { node in
                        deliveries.all.count { $0.node == node.number } == each
                    }
                }
                // Time for one more to be begun, if anything were to begin it.
                works[0].service.lookEverywhere()
                try await works[0].submit(bucket: "more", .integer(20))
                #expect(deliveries.busyBuckets == nodes * each)
                gate.open()
                try await cluster.waitUntilEmpty()
                #expect(deliveries.all.count == 21)
            }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a node that has not defined the executor takes none of its tasks`(_ engine: TestEngine) async throws
    {
        try await ExecutorCluster.with(engine, nodes: 2) { cluster in
            let deliveries = Deliveries()
            let work = try await define(on: cluster[0], deliveries)
            try await define(on: cluster[1], deliveries)
            await cluster[1].executors.release(namespace: "test")
            for value in 0..<20 { try await work.submit(bucket: "\(value)", .integer(Int64(value))) }
            try await cluster.waitUntilEmpty()
            #expect(Set(deliveries.all.map(\.node)) == [1])
            #expect(deliveries.all.count == 20)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `tasks of many submitters on many nodes keep each submitter's order`(
        _ engine: TestEngine
    ) async throws {
        try await ExecutorCluster.with(engine, nodes: 3) { cluster in
            let deliveries = Deliveries()
            var works: [BucketedExecutor] = []
            for node in cluster.all { works.append(try await define(on: node, deliveries)) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for submitter in 0..<6 {
                    let work = works[submitter % 3]
                    group.addTask {
                        for value in 0..<40 {
                            let number = Int64(submitter * 1000 + value)
                            // Two buckets in an order of its own: nobody may wait in a circle.
                            let names = submitter % 2 == 0 ? ["x", "y"] : ["y", "x"]
                            try await work.submit(
                                names.map { NewTask(bucket: $0, payload: .integer(number)) })
                        }
                    }
                }
                try await group.waitForAll()
            }
            try await cluster.waitUntilEmpty()
            for bucket in ["x", "y"] {
                let values = deliveries.values(bucket)
                #expect(values.count == 240)
                for submitter in 0..<6 {
                    let own = values.filter { $0 / 1000 == submitter }
                    #expect(own == own.sorted())
                }
            }
            #expect(deliveries.mostAtOnce == 1)
        }
    }
}
