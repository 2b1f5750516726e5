import ClusterServices
import ClusterTestKit
import Portable
import SharedDatabase
import Testing

@Suite struct KeyValueStoreTests {
    @Test(arguments: TestEngine.allCases)
    func `a value comes back as it was, in its namespace only`(engine: TestEngine) async throws {
        try await withStore(engine) { (store, _) async throws in
            let value: PortableValue = ["list": [1, 2.5, nil, true], "text": "ä", "raw": .bytes([0xff])]
            let outcome = try await store.put(namespace: "n", key: "k/ä", value: value, quotaBytes: 1000)
            #expect(outcome == .stored(version: 1))
            let entry = try #require(try await store.fetchValue(namespace: "n", key: "k/ä"))
            #expect(entry.key == "k/ä")
            #expect(entry.value == value)
            #expect(entry.version == 1)
            #expect(entry.expires == nil)
            #expect(try await store.fetchValue(namespace: "m", key: "k/ä") == nil)
            #expect(try await store.fetchValue(namespace: "n", key: "k") == nil)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a put is refused when the version is another one`(engine: TestEngine) async throws {
        try await withStore(engine) { (store, _) async throws in
            #expect(try await store.put("k", "1", ifVersion: 5) == .conflict(current: nil))
            #expect(try await store.put("k", "1", ifVersion: 0) == .stored(version: 1))
            #expect(try await store.put("k", "2", ifVersion: 0) == .conflict(current: 1))
            #expect(try await store.put("k", "2", ifVersion: 1) == .stored(version: 2))
            #expect(try await store.put("k", "3", ifVersion: 1) == .conflict(current: 2))
            #expect(try await store.text("k") == "2")
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a key that is made again has a version that it never had`(engine: TestEngine) async throws {
        try await withStore(engine) { (store, _) async throws in
            try await store.put("k", "1")
            #expect(try await store.delete(namespace: "n", key: "k", ifVersion: 7) == false)
            #expect(try await store.delete(namespace: "n", key: "k", ifVersion: 1))
            #expect(try await store.delete(namespace: "n", key: "k") == false)
            #expect(try await store.text("k") == nil)
            let outcome = try await store.put("k", "2")
            #expect(outcome != .stored(version: 1))
            try await store.removeAll(namespace: "n")
            #expect(try await store.put("k", "2", ifVersion: 1) == .conflict(current: nil))
            #expect(try await store.put("k", "2") != outcome)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `of writers that race for a version one wins`(engine: TestEngine) async throws {
        try await withStore(engine) { (store, _) async throws in
            try await store.put("k", "start")
            let stored = try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<20 {
                    group.addTask {
                        if case .stored = try await store.put("k", "\(number)", ifVersion: 1) {
                            true
                        } else {
                            false
                        }
                    }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(stored == 1)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `the quota counts bytes of keys and encoded values`(engine: TestEngine) async throws {
        try await withStore(engine) { (store, _) async throws in
            // A key of 3 bytes and an encoded text of 1 + 6 bytes.
            func put(_ key: String, _ text: String) async throws -> KeyValueStore.PutOutcome {
                try await store.put(namespace: "n", key: key, value: .string(text), quotaBytes: 20)
            }
            #expect(try await put("abc", "123456") == .stored(version: 1))
            #expect(try await put("abd", "123456") == .stored(version: 2))
            #expect(try await store.fetchUsage(namespace: "n") == 20)
            #expect(try await put("x", "") == .quotaExceeded(used: 22, limit: 20))
            #expect(try await put("abc", "1234567") == .quotaExceeded(used: 21, limit: 20))
            #expect(try await store.text("abc") == "123456")
            #expect(try await store.text("x") == nil)
            guard case .stored = try await put("abc", "12345") else {
                Issue.record("a smaller value must fit")
                return
            }
            #expect(try await store.fetchUsage(namespace: "n") == 19)
            #expect(try await store.delete(namespace: "n", key: "abd"))
            #expect(try await store.fetchUsage(namespace: "n") == 9)
            #expect(try await store.fetchUsage(namespace: "m") == 0)
            try await store.removeAll(namespace: "n")
            #expect(try await store.fetchUsage(namespace: "n") == 0)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `an entry may shrink in a namespace that is over a lowered quota`(engine: TestEngine) async throws {
        try await withStore(engine) { (store, _) async throws in
            try await store.put("k", "123456789")
            let outcome = try await store.put(namespace: "n", key: "k", value: "1234", quotaBytes: 1)
            #expect(outcome == .stored(version: 2))
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `an expired entry is gone for readers and its room comes back with the next write`(
        engine: TestEngine
    ) async throws {
        try await withStore(engine) { store, database in
            _ = try await store.put(
                namespace: "n", key: "k", value: "1", ttlMilliseconds: 60_000, quotaBytes: 1000)
            let entry = try #require(try await store.fetchValue(namespace: "n", key: "k"))
            let now = try await database.read { try $0.now() }
            let expires = try #require(entry.expires)
            #expect(expires > now && expires <= now + 60_000)
            try await database.write { try $0.execute("UPDATE key_value SET expires = ?", [.integer(now)]) }
            #expect(try await store.fetchValue(namespace: "n", key: "k") == nil)
            #expect(try await store.fetchPage(namespace: "n", prefix: "", limit: 10).isEmpty)
            #expect(try await store.delete(namespace: "n", key: "k") == false)
            #expect(try await store.put("other", "1", ifVersion: 0) == .stored(version: 2))
            #expect(try await store.fetchUsage(namespace: "n") == 7)
            #expect(try await store.put("k", "1", ifVersion: 0) == .stored(version: 3))
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a lifetime beyond all clocks is for ever, and one of nothing is refused`(
        engine: TestEngine
    ) async throws {
        try await withStore(engine) { (store, _) async throws in
            _ = try await store.put(
                namespace: "n", key: "k", value: 1, ttlMilliseconds: .max, quotaBytes: 1000)
            #expect(try await store.fetchValue(namespace: "n", key: "k")?.expires == nil)
            await #expect(throws: KeyValueError.invalidLifetime(0)) {
                try await store.put(namespace: "n", key: "k", value: 1, ttlMilliseconds: 0, quotaBytes: 1000)
            }
        }
    }

    @Test(arguments: TestEngine.allCases, ["", "a\u{0}b", String(repeating: "k", count: 513)])
    func `a key that is none is refused`(engine: TestEngine, key: String) async throws {
        try await withStore(engine) { (store, _) async throws in
            await #expect(throws: KeyValueError.invalidKey(key)) { try await store.put(key, "x") }
            await #expect(throws: KeyValueError.invalidKey(key)) { try await store.text(key) }
            await #expect(throws: KeyValueError.self) { try await store.text("k", namespace: "") }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a value beyond the limits is refused`(engine: TestEngine) async throws {
        try await withStore(engine) { (store, _) async throws in
            await #expect(throws: PortableError.self) {
                try await store.put("k", String(repeating: "x", count: 256 * 1024))
            }
            #expect(try await store.text("k") == nil)
        }
    }
}
