package import Portable
import SharedDatabase

extension KeyValueStore {
    /// Stores a value.
    /// - Parameters:
    ///   - ifVersion: The version that the key must have now; 0 when it must not exist; `nil` for either.
    ///   - ttlMilliseconds: How long the entry lasts; `nil` for ever. At least 1.
    ///   - fence: A lock's fencing token; refused when a greater one has written to this key.
    ///   - condition: What else must hold for the write.
    ///   - quotaBytes: What the namespace may hold in bytes of keys and encoded values, and of keys that
    ///     remember a token. An entry may always shrink.
    /// - Throws: ``KeyValueError``, ``PortableError`` when the value is too large or too deep,
    ///   ``LockError`` when the write is too late, ``DatabaseError``.
    package func put(
        namespace: String, key: String, value: PortableValue, ifVersion: Int64? = nil,
        ttlMilliseconds: Int64? = nil, fence: Int64? = nil, condition: WriteFence? = nil, quotaBytes: Int64
    ) async throws -> PutOutcome {
        try KeyValueNames.check(namespace: namespace, keys: [key])
        if let ttlMilliseconds, ttlMilliseconds < 1 { throw KeyValueError.invalidLifetime(ttlMilliseconds) }
        let encoded = try MessagePack.encode(value, limits: limits)
        do {
            return try await database.write { transaction in
                var change = try KeyValueChange(transaction, namespace: namespace)
                try condition?.check(in: transaction)
                if let fence { try change.checkFence(key, token: fence) }
                let current = try change.current(key)
                guard ifVersion == nil || ifVersion == current?.version ?? 0 else {
                    throw Abandoned(outcome: .conflict(current: current?.version))
                }
                try change.store(key, encoded, replacing: current, ttlMilliseconds: ttlMilliseconds)
                guard change.fits(quotaBytes) else {
                    throw Abandoned(
                        outcome: .quotaExceeded(
                            used: change.size, limit: quotaBytes, tokens: try change.fencesSize()))
                }
                try change.finish()
                return .stored(version: change.version)
            }
        } catch let abandoned as Abandoned {
            return abandoned.outcome
        }
    }

    /// Deletes an entry.
    /// - Parameter ifVersion: The version that it must have now; `nil` for any.
    /// - Parameter fence: As for `put`; the key keeps the token for a week, so that no older holder writes to
    ///   it again.
    /// - Parameter condition: As for `put`.
    /// - Returns: Whether there was such an entry.
    /// - Throws: ``KeyValueError``, ``LockError`` when the write is too late, ``DatabaseError``.
    package func delete(
        namespace: String, key: String, ifVersion: Int64? = nil, fence: Int64? = nil,
        condition: WriteFence? = nil
    ) async throws -> Bool {
        try KeyValueNames.check(namespace: namespace, keys: [key])
        do {
            return try await database.write { transaction in
                var change = try KeyValueChange(transaction, namespace: namespace)
                try condition?.check(in: transaction)
                if let fence { try change.checkFence(key, token: fence) }
                guard let current = try change.current(key), ifVersion == nil || ifVersion == current.version
                else {
                    throw Abandoned(outcome: .conflict(current: nil))
                }
                try change.remove(key, current)
                try change.finish()
                return true
            }
        } catch is Abandoned {
            return false
        }
    }

    /// Makes all changes at once if nothing that they were based on has changed.
    /// - Parameters:
    ///   - reads: For each key that was read, the version seen; `nil` where there was no entry.
    ///   - writes: New values without an end, `nil` to delete; of two for one key the later holds.
    ///   - condition: As for `put`.
    ///   - quotaBytes: As for `put`.
    /// - Returns: `false` when a version is another one now; nothing was changed then.
    /// - Throws: ``KeyValueError`` (also ``KeyValueError/quotaExceeded(used:limit:)``), ``PortableError``,
    ///   ``LockError`` when the writes are too late, ``DatabaseError``.
    package func apply(
        namespace: String, reads: [String: Int64?], writes: [(key: String, value: PortableValue?)],
        condition: WriteFence? = nil, quotaBytes: Int64
    ) async throws -> Bool {
        try KeyValueNames.check(namespace: namespace, keys: reads.keys)
        try KeyValueNames.check(namespace: namespace, keys: writes.map(\.key))
        let count = reads.count + writes.count
        guard count <= KeyValueStore.keysMax else {
            throw KeyValueError.tooManyKeys(count: count, limit: KeyValueStore.keysMax)
        }
        let encoded = try writes.map {
            (key: $0.key, bytes: try $0.value.map { try MessagePack.encode($0, limits: limits) })
        }
        do {
            return try await database.write { transaction in
                var change = try KeyValueChange(transaction, namespace: namespace)
                try condition?.check(in: transaction)
                for (key, version) in reads {
                    guard try change.current(key)?.version == version else {
                        throw Abandoned(outcome: .conflict(current: nil))
                    }
                }
                for (key, bytes) in encoded {
                    let current = try change.current(key)
                    if let bytes {
                        try change.store(key, bytes, replacing: current, ttlMilliseconds: nil)
                    } else if let current {
                        try change.remove(key, current)
                    }
                }
                guard change.fits(quotaBytes) else {
                    throw KeyValueError.quotaExceeded(
                        used: change.size, limit: quotaBytes, tokens: try change.fencesSize())
                }
                try change.finish()
                return true
            }
        } catch is Abandoned {
            return false
        }
    }

    /// Deletes every entry of a namespace, and the fencing tokens that its keys have seen. Versions go on
    /// from where they were.
    /// - Throws: ``KeyValueError``, ``DatabaseError``.
    package func removeAll(namespace: String) async throws {
        try KeyValueNames.check(namespace: namespace, keys: [])
        try await database.write { transaction in
            try transaction.execute("DELETE FROM key_value WHERE namespace = ?", [.text(namespace)])
            try transaction.execute(
                "UPDATE key_value_usage SET size = 0 WHERE namespace = ?", [.text(namespace)])
            try transaction.forgetFences(namespace: namespace)
        }
    }

    /// Forgets the tokens of keys without an entry, and of refs, with which nobody has written for a week:
    /// who held a lock so long ago is no more. To be called now and then, on one node.
    /// - Parameter later: How many milliseconds later than now to do as if it were; for tests.
    /// - Throws: ``DatabaseError``.
    package func forgetFences(asOf later: Int64 = 0) async throws {
        let (limit, namespaces) = try await database.write { transaction in
            let limit = try transaction.now() + later - Self.fencesKeptMilliseconds
            // Written by a version that did not say when: from now on.
            try transaction.execute(
                "UPDATE cluster_fence SET used_at = \(transaction.nowExpression) WHERE used_at = 0")
            try transaction.execute(
                """
                DELETE FROM cluster_fence WHERE charged = 0 AND used_at < ? AND NOT EXISTS (
                    SELECT 1 FROM key_value k
                    WHERE k.namespace = cluster_fence.namespace AND k.key = cluster_fence.resource)
                """, [.integer(limit)])
            let rows = try transaction.rows(
                "SELECT DISTINCT namespace FROM cluster_fence WHERE charged > 0 AND used_at < ?",
                [.integer(limit)])
            return (limit, try rows.map { try $0.text("namespace") })
        }
        for namespace in namespaces {
            try await database.write { transaction in
                var change = try KeyValueChange(transaction, namespace: namespace)
                try change.forgetFences(before: limit)
                try change.finish()
            }
        }
    }

    private static let fencesKeptMilliseconds: Int64 = 7 * 24 * 3_600_000

    /// How many bytes of keys and encoded values a namespace holds, keys that remember a token among them,
    /// and expired entries until the next write.
    /// - Throws: ``KeyValueError``, ``DatabaseError``.
    package func fetchUsage(namespace: String) async throws -> Int64 {
        try KeyValueNames.check(namespace: namespace, keys: [])
        return try await database.read { transaction in
            let row = try transaction.firstRow(
                "SELECT size FROM key_value_usage WHERE namespace = ?", [.text(namespace)])
            return try row?.integer("size") ?? 0
        }
    }
}

/// Ends a transaction without a change.
private struct Abandoned: Error {
    let outcome: KeyValueStore.PutOutcome
}
