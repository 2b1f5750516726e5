package import Portable
package import SharedDatabase

/// Values by key within namespaces that know nothing of each other; what plugins keep.
///
/// A key has 1 to 512 bytes, a namespace 1 to 256, neither holds a NUL; keys order by their bytes. A value is
/// limited by the store's limits in its encoding. All times are the database's. Expired entries are gone for
/// every reader at once; their room is given back at the next write to the namespace.
package struct KeyValueStore: Sendable {
    let database: SharedDatabase
    let limits: PortableLimits

    /// How many keys one `apply` may read and write together, and the most entries of a page.
    package static let keysMax = 1000

    /// The tables that it needs, for ``SharedDatabase/migrate(_:)``.
    package static let migrations: [Migration] = ClusterMigrations.keyValue

    /// - Parameters:
    ///   - database: Must have been migrated.
    ///   - limits: Of one value: depth 32, 256 KiB unless told.
    package init(database: SharedDatabase, limits: PortableLimits = .standard) {
        self.database = database
        self.limits = limits
    }

    /// Reads one entry.
    /// - Returns: `nil` when there is none or it has expired.
    /// - Throws: ``KeyValueError``, ``DatabaseError``.
    package func fetchValue(namespace: String, key: String) async throws -> Entry? {
        try KeyValueNames.check(namespace: namespace, keys: [key])
        let limits = limits
        return try await database.read { transaction in
            let row = try transaction.firstRow(
                """
                SELECT key, value, version, expires FROM key_value
                WHERE namespace = ? AND key = ? AND (expires IS NULL OR expires > ?)
                """, [.text(namespace), .text(key), .integer(try transaction.now())])
            return try row.map { try Entry($0, limits: limits) }
        }
    }

    /// Reads entries in the order of their keys.
    /// - Parameters:
    ///   - prefix: What the keys begin with, byte for byte; empty for all.
    ///   - after: The last key of the page before, or `nil` for the first page.
    ///   - limit: 1 to 1000; anything else is taken as the nearest of these.
    ///   - bytesMax: The page ends before its keys and encoded values exceed this; it has one entry at least.
    /// - Returns: Entries that have not expired. Only an empty page is the end.
    /// - Throws: ``KeyValueError``, ``DatabaseError``.
    package func fetchPage(
        namespace: String, prefix: String, after: String? = nil, limit: Int, bytesMax: Int64 = 4 * 1024 * 1024
    ) async throws -> [Entry] {
        try KeyValueNames.check(namespace: namespace, keys: after.map { [$0] } ?? [])
        guard !prefix.utf8.contains(0) else { return [] }
        let limits = limits
        let limit = Int64(min(max(limit, 1), KeyValueStore.keysMax))
        return try await database.read { transaction in
            var condition = "namespace = ? AND key >= ? AND key > ? AND (expires IS NULL OR expires > ?)"
            // An empty text is below every key, and no key is empty.
            var arguments: [DatabaseValue] = [
                .text(namespace), .text(prefix), .text(after ?? ""), .integer(try transaction.now()),
            ]
            if let end = KeyValueNames.successor(of: prefix) {
                condition += " AND key < ?"
                arguments.append(.text(end))
            }
            let sizes = try transaction.rows(
                "SELECT size FROM key_value WHERE \(condition) ORDER BY key LIMIT ?",
                arguments + [.integer(limit)]
            ).map { try $0.integer("size") }
            return try transaction.rows(
                "SELECT key, value, version, expires FROM key_value WHERE \(condition) ORDER BY key LIMIT ?",
                arguments + [.integer(KeyValueStore.count(of: sizes, within: bytesMax))]
            ).map { try Entry($0, limits: limits) }
        }
    }

    /// How many of these entries fit; at least one.
    private static func count(of sizes: [Int64], within bytesMax: Int64) -> Int64 {
        var sum: Int64 = 0
        for (index, size) in sizes.enumerated() {
            sum += size
            if sum > bytesMax { return Int64(max(index, 1)) }
        }
        return Int64(sizes.count)
    }
}

extension KeyValueStore.Entry {
    init(_ row: DatabaseRow, limits: PortableLimits) throws {
        // Stored values may be larger than a limit that has been lowered since; they stay readable.
        let value = try MessagePack.decode(try row.blob("value"), limits: .unlimited)
        self.init(
            key: try row.text("key"), value: value, version: try row.integer("version"),
            expires: try row.optionalInteger("expires"))
    }
}
