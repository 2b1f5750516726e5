import ClusterServices
import FoundationEssentials
import Logging
import Portable
import SharedDatabase

/// Runs the body with an empty store on a database of its own.
func withStore<R>(_ body: (KeyValueStore, SharedDatabase) async throws -> R) async throws -> R {
    let path = FileManager.default.temporaryDirectory.path + "perigee-values-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    var logger = Logger(label: "test")
    logger.logLevel = .error
    let database = try SharedDatabase.openSQLite(path: path + "/perigee.sqlite", logger: logger)
    do {
        try await database.migrate(KeyValueStore.migrations)
        let result = try await body(KeyValueStore(database: database), database)
        await database.close()
        return result
    } catch {
        await database.close()
        throw error
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
