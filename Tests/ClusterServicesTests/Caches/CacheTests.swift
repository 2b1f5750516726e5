import ClusterServices
import ClusterTestKit
import NodeTestKit
import Portable
import Synchronization
import Testing

/// What a cache does on one node.
@Suite struct CacheTests {
    @Test(arguments: cacheModes)
    func `what is stored is read back at once`(_ engine: TestEngine, _ mode: CacheSettings.Mode) async throws
    {
        try await CacheCluster.with(engine) { cluster in
            let cache = try await cluster.open(CacheSettings(mode: mode))[0]
            #expect(cache.value("a") == nil)
            try await cache.put("a", ["n": 1, "list": [1, "x", 2.5, true]])
            #expect(cache.value("a") == ["n": 1, "list": [1, "x", 2.5, true]])
            try await cache.put("a", 2)
            #expect(cache.value("a") == 2)
            try await cache.put(.integer(7), "number")
            try await cache.put("7", "text")
            #expect(cache.value(for: .integer(7)) == "number" && cache.value("7") == "text")
            #expect(Set(cache.keys()) == [.text("a"), .text("7"), .integer(7)])
            try await cache.remove(.text("a"))
            #expect(cache.value("a") == nil)
            try await cache.clear()
            #expect(cache.keys().isEmpty && cache.value("7") == nil)
            let statistics = cache.statistics
            #expect(statistics.hits == 4 && statistics.misses == 3 && statistics.entries == 0)
        }
    }

    @Test(arguments: cacheModes)
    func `conditions are judged by what is there`(
        _ engine: TestEngine, _ mode: CacheSettings.Mode
    ) async throws {
        try await CacheCluster.with(engine) { cluster in
            let cache = try await cluster.open(CacheSettings(mode: mode))[0]
            #expect(try await cache.putIfAbsent(.text("a"), ["x": 1, "y": 2]) == nil)
            #expect(try await cache.putIfAbsent(.text("a"), 5) == ["x": 1, "y": 2])
            #expect(try await cache.replace(.text("a"), ["x": 1], with: 6) == false)
            #expect(try await cache.replace(.text("a"), ["y": 2, "x": 1], with: 6))
            #expect(cache.value("a") == 6)
            #expect(try await cache.replace(.text("none"), 1, with: 2) == false)
            #expect(cache.value("none") == nil)
            #expect(try await cache.remove(.text("a"), ifEqual: 5) == false)
            #expect(cache.value("a") == 6)
            #expect(try await cache.remove(.text("a"), ifEqual: 6))
            #expect(cache.value("a") == nil)
            #expect(try await cache.putIfAbsent(.text("a"), 7) == nil)
            #expect(cache.value("a") == 7)
        }
    }

    @Test func `what cannot be a key or a value is refused`() async throws {
        try await CacheCluster.with(.sqlite) { cluster in
            let cache = try await cluster.open(CacheSettings(mode: .local))[0]
            let keys: [PortableValue] = [
                "", .string(String(repeating: "x", count: 513)), "a\u{0}b", true, 1.5, .null, [1],
                .bytes([255]),
            ]
            for key in keys { #expect(throws: CacheError.self) { try CacheKey(key) } }
            #expect(try CacheKey(2.0) == .integer(2))
            await #expect(throws: CacheError.noValue) { try await cache.put("a", .null) }
            await #expect(throws: CacheError.self) {
                try await cache.put("a", .string(String(repeating: "x", count: 300_000)))
            }
        }
    }

    @Test(arguments: cacheModes)
    func `entries end with their time`(
        _ engine: TestEngine, _ mode: CacheSettings.Mode
    ) async throws {
        try await CacheCluster.with(engine) { cluster in
            let short = try await cluster.open(
                CacheSettings(mode: mode, timeToLive: .milliseconds(300)), name: "short")[0]
            let idle = try await cluster.open(
                CacheSettings(mode: mode, timeToIdle: .milliseconds(300)), name: "idle")[0]
            try await short.put("a", 1)
            try await idle.put("a", 1)
            try await waitUntil("the end of the entry") { short.value("a") == nil }
            #expect(short.keys().isEmpty)
            try await waitUntil("the end of the idle entry") { idle.keys().isEmpty }
            #expect(idle.value("a") == nil)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `the entry that was read longest ago makes room`(_ engine: TestEngine) async throws {
        try await CacheCluster.with(engine) { cluster in
            let cache = try await cluster.open(CacheSettings(mode: .local, entriesMax: 3))[0]
            for key in ["a", "b", "c"] { try await cache.put(key, 1) }
            _ = cache.value("a")
            try await cache.put("d", 1)
            #expect(cache.value("b") == nil && cache.value("a") == 1)
            #expect(cache.keys() == [.text("a"), .text("d"), .text("c")])
            #expect(cache.statistics.evictions == 1)
            let small = try await cluster.open(CacheSettings(mode: .local, bytesMax: 4096), name: "small")[0]
            for key in 0..<10 {
                try await small.put("\(key)", .string(String(repeating: "x", count: 1000)))
            }
            #expect(small.keys().count == 3 && small.statistics.bytes <= 4096)
            try await small.put("0", .string(String(repeating: "x", count: 5000)))
            #expect(small.value("0") == nil)
        }
    }

    @Test func `many entries are all found`() async throws {
        try await CacheCluster.with(.sqlite) { cluster in
            let cache = try await cluster.open(CacheSettings(mode: .local, entriesMax: 100_000))[0]
            for key in 0..<5_000 {
                try await cache.put(.integer(Int64(key)), .integer(Int64(key)))
                try await cache.put("key \(key)", .integer(Int64(-key)))
            }
            for key in stride(from: 0, to: 5_000, by: 3) { try await cache.remove(.integer(Int64(key))) }
            for key in 0..<5_000 {
                let expected: PortableValue? = key % 3 == 0 ? nil : .integer(Int64(key))
                #expect(cache.value(for: .integer(Int64(key))) == expected)
                #expect(cache.value("key \(key)") == .integer(Int64(-key)))
            }
        }
    }

    @Test(arguments: cacheModes)
    func `a value is loaded once however many ask`(
        _ engine: TestEngine, _ mode: CacheSettings.Mode
    ) async throws {
        try await CacheCluster.with(engine) { cluster in
            let cache = try await cluster.open(CacheSettings(mode: mode))[0]
            let gate = TestGate()
            let values = try await withThrowingTaskGroup(of: PortableValue?.self) { group in
                for _ in 0..<50 {
                    group.addTask {
                        try await cache.value(for: .text("a")) {
                            await gate.pass()
                            return ["loaded": true]
                        }
                    }
                }
                gate.open()
                var values: [PortableValue?] = []
                for try await value in group { values.append(value) }
                return values
            }
            #expect(values == Array(repeating: ["loaded": true], count: 50))
            #expect(gate.arrivals == 1 && cache.statistics.loads == 1)
            #expect(cache.value("a") == ["loaded": true])
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a load that fails gives its error to its caller alone`(_ engine: TestEngine) async throws {
        try await CacheCluster.with(engine) { cluster in
            struct Failure: Error {}
            let cache = try await cluster.open(CacheSettings(mode: .local))[0]
            let gate = TestGate()
            let first = Task {
                try await cache.value(for: .text("a")) {
                    await gate.pass()
                    throw Failure()
                }
            }
            await gate.waitForArrival()
            async let second = cache.value(for: .text("a")) { 2 }
            gate.open()
            await #expect(throws: Failure.self) { try await first.value }
            #expect(try await second == 2)
            #expect(try await cache.value(for: .text("b")) { nil } == nil)
            #expect(cache.value("b") == nil)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a waiting caller that is cancelled waits no longer`(_ engine: TestEngine) async throws {
        try await CacheCluster.with(engine) { cluster in
            let cache = try await cluster.open(CacheSettings(mode: .local))[0]
            let gate = TestGate()
            async let first = cache.value(for: .text("a")) {
                await gate.pass()
                return 1
            }
            await gate.waitForArrival()
            let second = Task { try await cache.value(for: .text("a")) { 2 } }
            second.cancel()
            await #expect(throws: CancellationError.self) { try await second.value }
            gate.open()
            #expect(try await first == 1)
        }
    }

    @Test(arguments: cacheModes)
    func `a load that began before a change stores nothing`(
        _ engine: TestEngine, _ mode: CacheSettings.Mode
    ) async throws {
        try await CacheCluster.with(engine) { cluster in
            let cache = try await cluster.open(CacheSettings(mode: mode))[0]
            for (index, change) in Change.allCases.enumerated() {
                let gate = TestGate()
                async let loaded = cache.value(for: .text("a")) {
                    await gate.pass()
                    return "old"
                }
                await gate.waitForArrival()
                try await change.make(cache)
                gate.open()
                _ = try await loaded
                #expect(cache.value("a") != "old", "\(change) \(index)")
                try await cache.clear()
            }
        }
    }

    private enum Change: CaseIterable {
        case put, remove, clear, putIfAbsent

        func make(_ cache: CacheRegion) async throws {
            switch self {
            case .put: try await cache.put("a", "new")
            case .remove: try await cache.remove(.text("a"))
            case .clear: try await cache.clear()
            case .putIfAbsent: _ = try await cache.putIfAbsent(.text("a"), "new")
            }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a namespace's caches end with it`(_ engine: TestEngine) async throws {
        try await CacheCluster.with(engine) { cluster in
            let service = cluster.services[0]
            let cache = try await cluster.open(CacheSettings(mode: .copy))[0]
            let again = service.region(namespace: "test", name: "c", settings: CacheSettings(mode: .copy))
            #expect(again === cache)
            try await cache.put("a", 1)
            let other = try #require(
                service.region(namespace: "test", name: "c", settings: CacheSettings(mode: .local)))
            #expect(cache.value("a") == nil && other.value("a") == nil)
            await #expect(throws: CacheError.closed(name: "c")) { try await cache.put("a", 2) }
            try await other.put("a", 3)
            service.release(namespace: "other")
            #expect(other.value("a") == 3)
            service.release(namespace: "test")
            await #expect(throws: CacheError.closed(name: "c")) { try await other.put("a", 4) }
            #expect(other.value("a") == nil && service.regions.isEmpty)
        }
    }

    @Test func `a namespace has so many caches and no more`() async throws {
        try await CacheCluster.with(.sqlite) { cluster in
            let service = cluster.services[0]
            let small = CacheSettings(bytesMax: 1024)
            for number in 0..<CacheService.regionsMax {
                #expect(service.region(namespace: "n", name: "\(number)", settings: small) != nil)
            }
            #expect(service.region(namespace: "n", name: "more", settings: small) == nil)
            let large = CacheSettings(bytesMax: CacheService.bytesMax)
            #expect(service.region(namespace: "l", name: "large", settings: large) != nil)
            #expect(service.region(namespace: "l", name: "more", settings: small) == nil)
            #expect(service.region(namespace: "m", name: "more", settings: CacheSettings()) != nil)
        }
    }
}

/// Tests say when a load may go on.
final class TestGate: Sendable {
    private struct State {
        var isOpen = false
        var arrivals = 0
        var waiters: [CheckedContinuation<Void, Never>] = []
        var watchers: [CheckedContinuation<Void, Never>] = []
    }
    private let state = Mutex(State())

    /// Waits until the gate is open.
    func pass() async {
        let watchers = state.withLock { state in
            state.arrivals += 1
            defer { state.watchers = [] }
            return state.watchers
        }
        for watcher in watchers { watcher.resume() }
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiters.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }

    /// Waits until somebody has come to it.
    func waitForArrival() async {
        await withCheckedContinuation { continuation in
            let hasCome = state.withLock { state in
                if state.arrivals == 0 { state.watchers.append(continuation) }
                return state.arrivals > 0
            }
            if hasCome { continuation.resume() }
        }
    }

    /// How many have come to it.
    var arrivals: Int { state.withLock { $0.arrivals } }

    func open() {
        let waiters = state.withLock { state in
            state.isOpen = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }
}
