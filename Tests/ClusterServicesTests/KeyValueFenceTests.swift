import ClusterServices
import ClusterTestKit
import Portable
import SharedDatabase
import Testing

/// What keys remember of fencing tokens, and what that costs.
@Suite struct KeyValueFenceTests {
    private static let week: Int64 = 7 * 24 * 3_600_000

    @Test(arguments: TestEngine.allCases)
    func `keys that come and go with tokens stay within the quota`(engine: TestEngine) async throws {
        try await withStore(engine) { (store, database) async throws in
            var refusal: KeyValueStore.PutOutcome?
            for number in 100...200 where refusal == nil {
                let outcome = try await store.fenced("key/\(number)")
                if case .stored = outcome {
                    #expect(try await store.delete(namespace: "n", key: "key/\(number)", fence: 1))
                } else {
                    refusal = outcome
                }
            }
            // Ten keys of 7 bytes are remembered; another one needs 7 for that and 8 for its entry.
            #expect(refusal == .quotaExceeded(used: 85, limit: 80, tokens: 77))
            #expect(try await database.fences == 10)
            #expect(try await store.fetchUsage(namespace: "n") == 70)
            #expect(try await store.put("a", "b") == .stored(version: 21))
            await #expect(throws: KeyValueError.quotaExceeded(used: 87, limit: 80, tokens: 70)) {
                _ = try await store.apply(
                    namespace: "n", reads: [:], writes: [("b", "123456789012")], quotaBytes: 80)
            }
            #expect(
                "\(KeyValueError.quotaExceeded(used: 87, limit: 80, tokens: 70))"
                    == "87 bytes are more than the 80 bytes of the namespace's quota; "
                    + "70 of them are keys that remember a lock's token")
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a key that is written again and again is charged once`(engine: TestEngine) async throws {
        try await withStore(engine) { (store, _) async throws in
            for _ in 0..<5 {
                #expect(try await store.fenced("k", token: 3) != .conflict(current: nil))
                #expect(try await store.fetchUsage(namespace: "n") == 3)
            }
            #expect(try await store.delete(namespace: "n", key: "k", fence: 3))
            #expect(try await store.fetchUsage(namespace: "n") == 1)
            await #expect(throws: LockError.self) { _ = try await store.fenced("k", token: 2) }
            #expect(try await store.fetchUsage(namespace: "n") == 1)
            try await store.removeAll(namespace: "n")
            #expect(try await store.fetchUsage(namespace: "n") == 0)
            #expect(try await store.fenced("k", token: 1) != .conflict(current: nil))
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `tokens of keys that are gone are forgotten after a week, others are not`(
        engine: TestEngine
    ) async throws {
        try await withStore(engine) { (store, database) async throws in
            for key in ["gone", "stays"] { _ = try await store.fenced(key, token: 5) }
            #expect(try await store.delete(namespace: "n", key: "gone", fence: 5))
            try await database.write { transaction in
                // A ref's, and one that a version before this wrote.
                try transaction.checkFence(namespace: "refs/1", resource: "p refs/heads/x", token: 4)
                try transaction.execute(
                    """
                    INSERT INTO cluster_fence (namespace, resource, token) VALUES ('n', 'older', 6)
                    """)
            }
            try await store.forgetFences(asOf: Self.week - 60_000)
            #expect(try await database.fences == 4)
            await #expect(throws: LockError.self) { _ = try await store.fenced("gone", token: 4) }
            await #expect(throws: LockError.self) { _ = try await store.fenced("older", token: 4) }
            try await store.forgetFences(asOf: Self.week + 60_000)
            #expect(try await database.fences == 1)
            #expect(try await store.fetchUsage(namespace: "n") == 11)
            await #expect(throws: LockError.self) { _ = try await store.fenced("stays", token: 4) }
            #expect(try await store.fenced("gone", token: 4) != .conflict(current: nil))
        }
    }
}

extension KeyValueStore {
    fileprivate func fenced(_ key: String, token: Int64 = 1) async throws -> PutOutcome {
        try await put(namespace: "n", key: key, value: 1, fence: token, quotaBytes: 80)
    }
}

extension SharedDatabase {
    fileprivate var fences: Int64 {
        get async throws {
            try await read { transaction in
                try transaction.firstRow("SELECT count(*) AS count FROM cluster_fence")?.integer("count") ?? 0
            }
        }
    }
}
