import ClusterTestKit
import NodeTestKit
import Portable
import SharedDatabase
import Synchronization
import Testing

@testable import ClusterServices

struct ExecutorTests {
    struct Broken: Error {}

    @Test(arguments: TestEngine.allCases)
    func `tasks of a bucket come in their order, in batches`(_ engine: TestEngine) async throws {
        try await ExecutorCluster.with(engine) { cluster in
            let deliveries = Deliveries()
            let work = try await cluster[0].executors.define(
                namespace: "test", name: "work",
                settings: ExecutorSettings(batch: 4, concurrency: .perNode(2))
            ) { batch in
                deliveries.begin(1, batch)
                deliveries.end(batch)
                return nil
            }
            for value in 0..<10 {
                try await work.submit([
                    NewTask(bucket: "a", payload: .integer(Int64(value))),
                    NewTask(bucket: "b", payload: .integer(Int64(value))),
                ])
            }
            try await work.submit((10..<30).map { NewTask(bucket: "a", payload: .integer($0)) })
            try await cluster.waitUntilEmpty()
            #expect(deliveries.values("a") == Array(0..<30))
            #expect(deliveries.values("b") == Array(0..<10))
            #expect(deliveries.all.allSatisfy { $0.values.count <= 4 && $0.attempt == 1 })
            #expect(deliveries.all.contains { $0.values.count == 4 })
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a bucket that always fails delays only itself, and its task becomes a dead letter`(
        _ engine: TestEngine
    ) async throws {
        try await ExecutorCluster.with(engine) { cluster in
            let deliveries = Deliveries()
            let isCured = Mutex(false)
            let executors = cluster[0].executors
            let work = try await executors.define(
                namespace: "test", name: "work",
                settings: ExecutorSettings(
                    batch: 10, attemptsMax: 3, backoff: .milliseconds(50), concurrency: .perNode(2))
            ) { batch in
                deliveries.begin(1, batch)
                defer { deliveries.end(batch) }
                let isBad = batch.bucket == "bad" && batch.tasks.contains { $0.payload == .integer(13) }
                if isBad, !isCured.withLock({ $0 }) {
                    throw Broken()
                }
                return nil
            }
            try await work.submit([12, 13, 14].map { NewTask(bucket: "bad", payload: .integer($0)) })
            for value in 0..<20 { try await work.submit(bucket: "good \(value)", .integer(Int64(value))) }
            try await cluster.waitUntilEmpty()
            for value in 0..<20 { #expect(deliveries.values("good \(value)") == [Int64(value)]) }
            let dead = try await executors.fetchDeadLetters(namespace: "test", name: "work")
            // Two attempts together; the last one alone, so that the others are done.
            #expect(dead.map(\.payload) == [.integer(13)])
            #expect(dead.first?.error == "Broken()")
            #expect(dead.first?.attempts == 3)
            let bad = deliveries.all.filter { $0.bucket == "bad" }
            #expect(bad.map(\.values) == [[12, 13, 14], [12, 13, 14], [12], [13], [14]])
            #expect(bad.map(\.attempt) == [1, 2, 3, 3, 3])

            isCured.withLock { $0 = true }
            #expect(try await executors.retryDeadLetters(namespace: "test", name: "work") == 1)
            try await cluster.waitUntilEmpty()
            #expect(deliveries.values("bad").last == 13)
            #expect(try await executors.fetchDeadLetters().isEmpty)
            #expect(try await executors.fetchOverviews().first?.dead == 0)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `dead letters can be dropped, one or all`(_ engine: TestEngine) async throws {
        try await ExecutorCluster.with(engine) { cluster in
            let executors = cluster[0].executors
            let work = try await executors.define(
                namespace: "test", name: "work", settings: ExecutorSettings(attemptsMax: 1, tasksMax: 3)
            ) { _ in throw Broken() }
            try await work.submit((1...3).map { NewTask(bucket: "\($0)", payload: .integer($0)) })
            try await cluster.waitUntilEmpty()
            let dead = try await executors.fetchDeadLetters()
            #expect(dead.count == 3)
            // Dead letters take room, so that none has to be thrown away.
            await #expect(throws: ExecutorError.full(name: "work", tasks: 3, limit: 3)) {
                try await work.submit(bucket: "x", .null)
            }
            #expect(try await executors.dropDeadLetters(namespace: "test", name: "work", id: dead[1].id) == 1)
            #expect(try await executors.fetchDeadLetters(after: dead[0].id).map(\.id) == [dead[2].id])
            #expect(try await executors.dropDeadLetters(namespace: "test", name: "work") == 2)
            #expect(try await executors.fetchOverviews().first?.dead == 0)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a submission is refused while the executor is full, and none of it is taken`(
        _ engine: TestEngine
    ) async throws {
        try await ExecutorCluster.with(engine) { cluster in
            let gate = ExecutorGate()
            let deliveries = Deliveries()
            let work = try await cluster[0].executors.define(
                namespace: "test", name: "work", settings: ExecutorSettings(batch: 100, tasksMax: 5)
            ) { batch in
                deliveries.begin(1, batch)
                await gate.pass()
                return nil
            }
            try await work.submit((0..<4).map { NewTask(bucket: "a", payload: .integer($0)) })
            await #expect(throws: ExecutorError.full(name: "work", tasks: 4, limit: 5)) {
                try await work.submit((4..<6).map { NewTask(bucket: "a", payload: .integer($0)) })
            }
            try await work.submit(bucket: "a", .integer(4))
            await #expect(throws: ExecutorError.full(name: "work", tasks: 5, limit: 5)) {
                try await work.submit([NewTask(bucket: "a", payload: .integer(5), delay: .seconds(1))])
            }
            gate.open()
            try await cluster.waitUntilEmpty()
            try await work.submit(bucket: "a", .integer(5))
            try await cluster.waitUntilEmpty()
            #expect(deliveries.values("a") == [0, 1, 2, 3, 4, 5])
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a delayed task takes its place when it is due, and holds up no other`(
        _ engine: TestEngine
    ) async throws {
        try await ExecutorCluster.with(engine) { cluster in
            let deliveries = Deliveries()
            let waits = Mutex<[Int64: Int64]>([:])
            let database = cluster[0].database
            let work = try await cluster[0].executors.define(
                namespace: "test", name: "work", settings: ExecutorSettings()
            ) { batch in
                deliveries.begin(1, batch)
                let now = try await database.read { try $0.now() }
                for task in batch.tasks {
                    waits.withLock { $0[task.payload.integerValue ?? -1] = now - task.submittedAt }
                }
                return nil
            }
            try await work.submit(bucket: "a", .integer(1), delay: .milliseconds(600))
            try await work.submit(bucket: "a", .integer(2), delay: .milliseconds(300))
            try await work.submit(bucket: "a", .integer(3))
            try await cluster.waitUntilEmpty()
            #expect(deliveries.values("a") == [3, 2, 1])
            #expect(waits.withLock { $0[1] ?? 0 } >= 600)
            #expect(waits.withLock { $0[2] ?? 0 } >= 300)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `effects are written with the completion, or not at all`(_ engine: TestEngine) async throws {
        try await ExecutorCluster.with(engine) { cluster in
            let deliveries = Deliveries()
            let work = try await cluster[0].executors.define(
                namespace: "test", name: "work",
                settings: ExecutorSettings(backoff: .milliseconds(10), concurrency: .perNode(4))
            ) { batch in
                deliveries.begin(1, batch)
                let value = batch.tasks[0].payload.integerValue ?? 0
                let isFirst = batch.attempt == 1
                return { transaction in
                    try transaction.execute(
                        "INSERT INTO effect (bucket, value) VALUES (?, ?)", [.text("e"), .integer(value)])
                    if value == 2, isFirst { throw Broken() }
                }
            }
            for value in 1...4 { try await work.submit(bucket: "\(value % 2)", .integer(Int64(value))) }
            try await cluster.waitUntilEmpty()
            #expect(try await cluster.effects("e") == [1, 2, 3, 4])
            #expect(deliveries.values("0") == [2, 2, 4])
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a task is in the caller's transaction when it is submitted there`(_ engine: TestEngine) async throws
    {
        try await ExecutorCluster.with(engine) { cluster in
            let deliveries = Deliveries()
            let work = try await cluster[0].executors.define(
                namespace: "test", name: "work", settings: ExecutorSettings()
            ) { batch in
                deliveries.begin(1, batch)
                return nil
            }
            await #expect(throws: Broken.self) {
                try await cluster[0].database.write { transaction in
                    try work.submit([NewTask(bucket: "a", payload: .integer(1))], in: transaction)
                    throw Broken()
                }
            }
            try await cluster[0].database.write { transaction in
                try work.submit([NewTask(bucket: "a", payload: .integer(2))], in: transaction)
            }
            try await cluster.waitUntilEmpty()
            try await waitUntil("the task") { deliveries.values("a") == [2] }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a released namespace gives its batches back, and the attempt does not count`(
        _ engine: TestEngine
    ) async throws {
        try await ExecutorCluster.with(engine, nodes: 2) { cluster in
            let deliveries = Deliveries()
            let gate = ExecutorGate()
            let settings = ExecutorSettings(attemptsMax: 1)
            let first = try await cluster[0].executors.define(
                namespace: "test", name: "work", settings: settings
            ) {
                batch in
                deliveries.begin(1, batch)
                await gate.pass()
                return nil
            }
            try await first.submit(bucket: "a", .integer(1))
            try await first.submit(bucket: "b", .integer(2))
            try await waitUntil("a run") { deliveries.all.count == 1 }
            await cluster[0].executors.release(namespace: "test", grace: .zero)
            #expect(deliveries.all.count == 1)
            _ = try await cluster[1].executors.define(namespace: "test", name: "work", settings: settings) {
                batch in
                deliveries.begin(2, batch)
                return nil
            }
            try await cluster.waitUntilEmpty()
            gate.open()
            #expect(deliveries.values("a").count(where: { $0 == 1 }) == 2)
            #expect(deliveries.all.filter { $0.node == 2 }.map(\.attempt) == [1, 1])
            #expect(try await cluster[1].executors.fetchDeadLetters().isEmpty)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a later definition gets the next batches, and the end of the earlier one changes nothing`(
        _ engine: TestEngine
    ) async throws {
        try await ExecutorCluster.with(engine) { cluster in
            let deliveries = Deliveries()
            let executors = cluster[0].executors
            let old = try await executors.define(
                namespace: "test", name: "work", settings: ExecutorSettings()
            ) {
                batch in
                deliveries.begin(1, batch)
                throw TaskNotTaken()
            }
            try await old.submit(bucket: "a", .integer(1))
            try await waitUntil("a run") { !deliveries.all.isEmpty }
            _ = try await executors.define(namespace: "test", name: "work", settings: ExecutorSettings()) {
                batch in
                deliveries.begin(2, batch)
                return nil
            }
            await old.end()
            try await old.submit(bucket: "a", .integer(2))
            try await cluster.waitUntilEmpty()
            #expect(deliveries.all.filter { $0.node == 2 }.map(\.values) == [[1], [2]])
            #expect(deliveries.all.allSatisfy { $0.attempt == 1 })
        }
    }

    @Test func `names, buckets and payloads have limits`() async throws {
        try await ExecutorCluster.with(.sqlite) { cluster in
            let executors = cluster[0].executors
            await #expect(throws: ExecutorError.invalidName("")) {
                _ = try await executors.define(namespace: "test", name: "", settings: .init()) { _ in nil }
            }
            let work = try await executors.define(namespace: "test", name: "work", settings: .init()) { _ in
                nil
            }
            for bucket in ["", "a\0b", String(repeating: "x", count: 257)] {
                await #expect(throws: ExecutorError.invalidBucket(bucket)) {
                    try await work.submit(bucket: bucket, .null)
                }
            }
            await #expect(throws: PortableError.self) {
                try await work.submit(bucket: "a", .string(String(repeating: "x", count: 70_000)))
            }
            await executors.stop()
            await #expect(throws: ExecutorError.ended(name: "work")) {
                try await work.submit(bucket: "a", .null)
            }
        }
    }
}
