import ClusterTestKit
import NodeTestKit
import Portable
import SharedDatabase
import Synchronization
import Testing

@testable import ClusterServices

/// What a cache does on several nodes.
@Suite struct CacheClusterTests {
    @Test(arguments: TestEngine.allCases)
    func `a change on one node makes the others forget`(_ engine: TestEngine) async throws {
        try await CacheCluster.with(engine, nodes: 3) { cluster in
            let caches = try await cluster.open(CacheSettings(mode: .invalidate))
            for cache in caches { #expect(try await cache.value(for: .text("a")) { "old" } == "old") }
            for cache in caches { #expect(try await cache.value(for: .text("b")) { "kept" } == "kept") }
            try await caches[0].put("a", "new")
            #expect(caches[0].value("a") == "new")
            try await waitUntil("the others to forget") {
                caches[1].value("a") == nil && caches[2].value("a") == nil
            }
            #expect(caches[0].value("a") == "new")
            #expect(caches.allSatisfy { $0.value("b") == "kept" })
            #expect(caches[1].statistics.invalidations == 1)
            try await caches[1].remove(.text("b"))
            try await waitUntil("the others to forget") {
                caches[0].value("b") == nil && caches[2].value("b") == nil
            }
            try await caches[2].clear()
            try await waitUntil("the others to forget everything") { caches[0].keys().isEmpty }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `copies reach every node and those that come later`(_ engine: TestEngine) async throws {
        try await CacheCluster.with(engine, nodes: 3) { cluster in
            let caches = try await cluster.open(CacheSettings(mode: .copy))
            try await caches[0].put("a", ["n": 1])
            try await waitUntil("the copies") {
                caches[1].value("a") == ["n": 1] && caches[2].value("a") != nil
            }
            try await caches[1].put("a", 2)
            // On a machine that stood still for 3 s nothing is given out until it has heard itself.
            if caches[1].value("a") == nil { try await cluster.settle(caches) }
            #expect(caches[1].value("a") == 2)
            try await waitUntil("the new copies") { caches[0].value("a") == 2 && caches[2].value("a") == 2 }
            for key in 0..<200 { try await caches[2].put("k\(key)", .integer(Int64(key))) }
            let late = CacheService(database: cluster.databases[0])
            late.start()
            let cache = try #require(
                late.region(namespace: "test", name: "c", settings: CacheSettings(mode: .copy)))
            #expect(await late.waitUntilSettled(cache, within: .seconds(60)))
            #expect(cache.keys().count == 201 && cache.value("k199") == 199)
            try await caches[0].remove(.text("k199"))
            try await waitUntil("the removal") {
                cache.value("k199") == nil && caches[1].value("k199") == nil
            }
            try await cache.clear()
            try await waitUntil("the end of all") { caches.allSatisfy { $0.keys().isEmpty } }
            await late.stop()
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a copy that comes before the tidings of it stays`(_ engine: TestEngine) async throws {
        try await CacheCluster.with(engine, nodes: 2) { cluster in
            let caches = try await cluster.open(CacheSettings(mode: .copy))
            let signals = try await cluster.databases[1].signals(of: [CacheSignal.channel])
            try await caches[0].put("a", 1)
            try await waitUntil("the copy") { caches[1].value("a") == 1 }
            // What was heard is heard again, as by a node that has read the rows before.
            let before = caches[1].statistics.invalidations
            for await case .notification(_, let payload) in signals {
                guard CacheSignal(payload)?.changes.isEmpty == false else { continue }
                try await cluster.databases[1].notify(CacheSignal.channel, payload)
                break
            }
            try await caches[0].put("b", 2)
            try await waitUntil("what came after it") { caches[1].value("b") == 2 }
            #expect(caches[1].statistics.invalidations == before)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `copies of more changes than one message names reach every node`(
        _ engine: TestEngine
    ) async throws {
        try await CacheCluster.with(engine, nodes: 2) { cluster in
            let caches = try await cluster.open(CacheSettings(mode: .copy, entriesMax: 10_000))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for key in 0..<1_000 { group.addTask { try await caches[0].put("k\(key)", 1) } }
                try await group.waitForAll()
            }
            try await waitUntil("all copies") { caches[1].keys().count == 1_000 }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `of many nodes that try at once one succeeds`(_ engine: TestEngine) async throws {
        try await CacheCluster.with(engine, nodes: 3) { cluster in
            let caches = try await cluster.open(CacheSettings(mode: .copy))
            for round in 0..<10 {
                let winners = try await withThrowingTaskGroup(of: Bool.self) { group in
                    for node in 0..<9 {
                        let cache = caches[node % 3]
                        group.addTask {
                            try await cache.putIfAbsent(.integer(Int64(round)), .integer(Int64(node))) == nil
                        }
                    }
                    return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
                }
                #expect(winners == 1)
            }
            try await caches[0].put("count", 0)
            try await waitUntil("the count") { caches.allSatisfy { $0.value("count") == 0 } }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for cache in caches {
                    group.addTask {
                        for _ in 0..<10 {
                            while true {
                                guard let now = cache.value("count"), let number = now.integerValue else {
                                    await Task.yield()
                                    continue
                                }
                                let next = PortableValue.integer(number + 1)
                                if try await cache.replace(.text("count"), now, with: next) { break }
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            try await waitUntil("the sum") { caches.allSatisfy { $0.value("count") == 30 } }
        }
    }

    /// The values of a key grow; each reader knows the value that was stored last, and when.
    @Test(arguments: cacheModes.filter { $0.1 != .local })
    func `no reader sees a value that was replaced long ago or one older than it has seen`(
        _ engine: TestEngine, _ mode: CacheSettings.Mode
    ) async throws {
        try await CacheCluster.with(engine, nodes: 3) { cluster in
            let caches = try await cluster.open(CacheSettings(mode: mode))
            let history = WriteHistory()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for number in 1...300 as ClosedRange<Int64> {
                        history.begin(number)
                        try await caches[0].put("a", .integer(number))
                        history.end(number)
                        #expect(caches[0].value("a") == .integer(number))
                    }
                    history.finish()
                }
                for cache in caches.dropFirst() {
                    group.addTask {
                        var seen: Int64 = 0
                        var reads = 0
                        while !history.isFinished {
                            let started = ContinuousClock.now
                            // The source is what the writer has begun to write; copies come by themselves.
                            let value =
                                mode == .copy
                                ? cache.value("a")
                                : try await cache.value(for: .text("a")) { .integer(history.begun) }
                            guard let number = value?.integerValue else {
                                await Task.yield()
                                continue
                            }
                            #expect(history.isCurrent(number, at: started, within: .seconds(3)))
                            if mode == .copy { #expect(number >= seen) }
                            seen = number
                            reads += 1
                            if reads % 100 == 0 { await Task.yield() }
                        }
                    }
                }
                try await group.waitForAll()
            }
            try await waitUntil("the last value, or none") {
                caches.allSatisfy { $0.value("a") == nil || $0.value("a") == 300 }
            }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a load does not survive a change that another node makes meanwhile`(
        _ engine: TestEngine
    ) async throws {
        try await CacheCluster.with(engine, nodes: 2) { cluster in
            for mode in [CacheSettings.Mode.invalidate, .copy] {
                let caches = try await cluster.open(CacheSettings(mode: mode), name: mode.rawValue)
                for key in 0..<20 {
                    let key = CacheKey.integer(Int64(key))
                    let gate = TestGate()
                    async let loaded = caches[1].value(for: key) {
                        await gate.pass()
                        return "old"
                    }
                    await gate.waitForArrival()
                    if key == .integer(0) {
                        try await caches[0].clear()
                    } else {
                        try await caches[0].remove(key)
                    }
                    gate.open()
                    _ = try await loaded
                    try await waitUntil("the old value to be gone") {
                        caches.allSatisfy { $0.value(for: key) == nil }
                    }
                    // Nor does it come back: what is heard later is a change of another key.
                    try await caches[0].put("other", 1)
                    try await waitUntil("the other change") {
                        mode == .invalidate || caches[1].value("other") == 1
                    }
                    #expect(caches.allSatisfy { $0.value(for: key) == nil })
                    try await caches[0].remove(.text("other"))
                }
            }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a change that was not heard of is noticed with the next one`(_ engine: TestEngine) async throws {
        try await CacheCluster.with(engine, nodes: 2) { cluster in
            let caches = try await cluster.open(CacheSettings(mode: .invalidate))
            for cache in caches { _ = try await cache.value(for: .text("a")) { 1 } }
            try await cluster.databases[0].write { transaction in
                try transaction.execute("UPDATE cache_region SET version = version + 1")
            }
            try await caches[0].put("b", 1)
            try await waitUntil("the gap to be noticed") { caches[1].value("a") == nil }
            try await cluster.settle(caches)
            try await caches[0].put("b", 2)
            #expect(caches[0].value("b") == 2)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `many keys at once are told in pieces or as everything`(_ engine: TestEngine) async throws {
        try await CacheCluster.with(engine, nodes: 2) { cluster in
            let caches = try await cluster.open(CacheSettings(mode: .invalidate))
            let keys = (0..<250).map { CacheKey.text(String(repeating: "k", count: 500) + "\($0)") }
            for key in keys { _ = try await caches[1].value(for: key) { 1 } }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for key in keys { group.addTask { try await caches[0].put(key, 2) } }
                try await group.waitForAll()
            }
            try await waitUntil("the other node to forget") { caches[1].keys().isEmpty }
            #expect(keys.allSatisfy { caches[0].value(for: $0) == 2 })
        }
    }
}

/// What was written when.
private final class WriteHistory: Sendable {
    private struct State {
        var begun: Int64 = 0
        var ends: [Int64: ContinuousClock.Instant] = [:]
        var isFinished = false
    }
    private let state = Mutex(State())

    func begin(_ number: Int64) { state.withLock { $0.begun = number } }
    func end(_ number: Int64) { state.withLock { $0.ends[number] = .now } }
    func finish() { state.withLock { $0.isFinished = true } }
    var isFinished: Bool { state.withLock { $0.isFinished } }
    var begun: Int64 { state.withLock { $0.begun } }

    /// Whether the write after this one had ended less than `bound` ago, or not at all.
    func isCurrent(_ number: Int64, at time: ContinuousClock.Instant, within bound: Duration) -> Bool {
        state.withLock { state in
            guard let replaced = state.ends[number + 1] else { return true }
            return replaced.duration(to: time) < bound
        }
    }
}
