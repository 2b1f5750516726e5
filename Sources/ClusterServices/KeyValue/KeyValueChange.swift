import SharedDatabase

/// A change of one namespace within a transaction. It holds the namespace's row from the start, so that two
/// changes of a namespace follow one another in either engine.
struct KeyValueChange {
    struct Current {
        let version: Int64
        let size: Int64
    }

    private let transaction: DatabaseTransaction
    private let namespace: String
    private let now: Int64
    private let sizeBefore: Int64
    /// The version of everything that this change stores.
    let version: Int64
    /// What the namespace holds with the changes so far.
    private(set) var size: Int64

    init(_ transaction: DatabaseTransaction, namespace: String) throws {
        self.transaction = transaction
        self.namespace = namespace
        now = try transaction.now()
        let row = try transaction.rows(
            """
            INSERT INTO key_value_usage (namespace, size, last_version) VALUES (?, 0, 1)
            ON CONFLICT (namespace) DO UPDATE SET last_version = key_value_usage.last_version + 1
            RETURNING size, last_version
            """, [.text(namespace)]
        ).first
        guard let row else { throw DatabaseError.statement(message: "no row came back", sql: nil) }
        version = try row.integer("last_version")
        let expired = try transaction.rows(
            "DELETE FROM key_value WHERE namespace = ? AND expires <= ? RETURNING size",
            [.text(namespace), .integer(now)])
        size = try expired.reduce(try row.integer("size")) { try $0 - $1.integer("size") }
        sizeBefore = size
    }

    /// Refuses to go on when a write to the key came with a greater token before. A key that has seen a token
    /// counts towards the quota for that as well: what remembers the token outlives the entry.
    mutating func checkFence(_ key: String, token: Int64) throws {
        let charged = try transaction.checkFence(namespace: namespace, resource: key, token: token)
        guard charged == 0 else { return }
        let bytes = Int64(key.utf8.count)
        try transaction.execute(
            "UPDATE cluster_fence SET charged = ? WHERE namespace = ? AND resource = ?",
            [.integer(bytes), .text(namespace), .text(key)])
        size += bytes
    }

    /// Forgets the tokens of keys without an entry which nobody has used since a time.
    mutating func forgetFences(before limit: Int64) throws {
        let gone = try transaction.rows(
            """
            DELETE FROM cluster_fence WHERE namespace = ? AND used_at > 0 AND used_at < ? AND NOT EXISTS (
                SELECT 1 FROM key_value k
                WHERE k.namespace = cluster_fence.namespace AND k.key = cluster_fence.resource)
            RETURNING charged
            """, [.text(namespace), .integer(limit)])
        size = try gone.reduce(size) { try $0 - $1.integer("charged") }
    }

    /// How much of the size is keys that remember a token.
    func fencesSize() throws -> Int64 {
        let row = try transaction.firstRow(
            "SELECT COALESCE(SUM(charged), 0) AS size FROM cluster_fence WHERE namespace = ?",
            [.text(namespace)])
        return try row?.integer("size") ?? 0
    }

    /// Expired entries are gone already.
    func current(_ key: String) throws -> Current? {
        let row = try transaction.firstRow(
            "SELECT version, size FROM key_value WHERE namespace = ? AND key = ?",
            [.text(namespace), .text(key)])
        return try row.map { Current(version: try $0.integer("version"), size: try $0.integer("size")) }
    }

    mutating func store(
        _ key: String, _ bytes: [UInt8], replacing current: Current?, ttlMilliseconds: Int64?
    ) throws {
        let entrySize = Int64(key.utf8.count + bytes.count)
        // A time beyond all clocks is never.
        let expires = ttlMilliseconds.flatMap { ttl in
            let (sum, isOverflow) = now.addingReportingOverflow(ttl)
            return isOverflow ? nil : sum
        }
        try transaction.execute(
            """
            INSERT INTO key_value (namespace, key, version, size, expires, value) VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT (namespace, key) DO UPDATE SET version = excluded.version, size = excluded.size,
            expires = excluded.expires, value = excluded.value
            """,
            [
                .text(namespace), .text(key), .integer(version), .integer(entrySize), .optional(expires),
                .blob(bytes),
            ])
        size += entrySize - (current?.size ?? 0)
    }

    mutating func remove(_ key: String, _ current: Current) throws {
        try transaction.execute(
            "DELETE FROM key_value WHERE namespace = ? AND key = ?", [.text(namespace), .text(key)])
        size -= current.size
    }

    /// Whether the namespace is within its quota, or at least not fuller than before.
    func fits(_ quotaBytes: Int64) -> Bool {
        size <= quotaBytes || size <= sizeBefore
    }

    func finish() throws {
        try transaction.execute(
            "UPDATE key_value_usage SET size = ? WHERE namespace = ?", [.integer(size), .text(namespace)])
    }
}
