import ClusterServices
import ClusterTestKit
import Portable
import SharedDatabase

/// Runs the body with an empty store on a database of its own.
func withStore<R>(
    _ engine: TestEngine, _ body: (KeyValueStore, SharedDatabase) async throws -> R
) async throws -> R {
    try await TestDatabase.with(engine, migrations: KeyValueStore.migrations + Membership.migrations) {
        test in
        try await body(KeyValueStore(database: test.database), test.database)
    }
}

extension KeyValueStore {
    /// Puts with room for everything.
    @discardableResult
    func put(
        _ key: String, _ value: String, namespace: String = "n", ifVersion: Int64? = nil
    ) async throws -> PutOutcome {
        try await put(
            namespace: namespace, key: key, value: .string(value), ifVersion: ifVersion, quotaBytes: 1 << 30)
    }

    /// The text at a key.
    func text(_ key: String, namespace: String = "n") async throws -> String? {
        try await fetchValue(namespace: namespace, key: key)?.value.stringValue
    }
}
