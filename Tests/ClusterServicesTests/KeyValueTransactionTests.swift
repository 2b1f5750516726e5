import ClusterServices
import ClusterTestKit
import Portable
import Testing

@Suite struct KeyValueTransactionTests {
    @Test(arguments: TestEngine.allCases)
    func `all changes are made when what was read still holds`(engine: TestEngine) async throws {
        try await withStore(engine) { (store, _) async throws in
            try await store.put("a", "1")
            try await store.put("gone", "1")
            let done = try await store.apply(
                namespace: "n", reads: ["a": 1, "b": nil],
                writes: [("a", "2"), ("b", "1"), ("gone", nil), ("never", nil)],
                quotaBytes: 1000)
            #expect(done)
            #expect(try await store.text("a") == "2")
            #expect(try await store.text("b") == "1")
            #expect(try await store.text("gone") == nil)
            #expect(try await store.fetchUsage(namespace: "n") == 6)
        }
    }

    @Test(arguments: TestEngine.allCases, [["a": 9], ["a": nil], ["missing": 1]] as [[String: Int64?]])
    func `nothing is changed when something read is different now`(
        engine: TestEngine, reads: [String: Int64?]
    ) async throws {
        try await withStore(engine) { (store, _) async throws in
            try await store.put("a", "1")
            #expect(
                try await store.apply(
                    namespace: "n", reads: reads, writes: [("x", "1"), ("a", nil)], quotaBytes: 1000) == false
            )
            #expect(try await store.text("a") == "1")
            #expect(try await store.text("x") == nil)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `of two writes for a key the later holds`(engine: TestEngine) async throws {
        try await withStore(engine) { (store, _) async throws in
            let writes: [(key: String, value: PortableValue?)] = [("a", "long text"), ("a", nil), ("a", "2")]
            #expect(try await store.apply(namespace: "n", reads: [:], writes: writes, quotaBytes: 3))
            #expect(try await store.text("a") == "2")
            #expect(try await store.fetchUsage(namespace: "n") == 3)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `the quota holds for the whole, and nothing is changed beyond it`(engine: TestEngine) async throws {
        try await withStore(engine) { (store, _) async throws in
            await #expect(throws: KeyValueError.quotaExceeded(used: 6, limit: 5)) {
                try await store.apply(
                    namespace: "n", reads: [:], writes: [("a", "1"), ("b", "1")], quotaBytes: 5)
            }
            #expect(try await store.text("a") == nil)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `more than a thousand keys are refused`(engine: TestEngine) async throws {
        try await withStore(engine) { (store, _) async throws in
            let writes = (0...1000).map { (key: "k\($0)", value: PortableValue?.some(1)) }
            await #expect(throws: KeyValueError.tooManyKeys(count: 1001, limit: 1000)) {
                try await store.apply(namespace: "n", reads: [:], writes: writes, quotaBytes: 1 << 20)
            }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `counters raised by racing transactions lose no step`(engine: TestEngine) async throws {
        try await withStore(engine) { (store, _) async throws in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<10 {
                    group.addTask {
                        while true {
                            let entry = try await store.fetchValue(namespace: "n", key: "count")
                            let next = PortableValue.integer((entry?.value.integerValue ?? 0) + 1)
                            let reads = ["count": entry?.version]
                            if try await store.apply(
                                namespace: "n", reads: reads, writes: [("count", next)], quotaBytes: 1000)
                            {
                                return
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await store.fetchValue(namespace: "n", key: "count")?.value == 10)
        }
    }
}
