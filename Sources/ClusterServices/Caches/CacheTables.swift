import Portable
import SharedDatabase

/// The rows of caches: the version of each region, and the values of those in mode `copy`.
struct CacheTables {
    /// What one transaction did: an outcome per change, and what to tell the others.
    struct Result: Sendable {
        var outcomes: [CacheChange.Outcome] = []
        var changes: [String: CacheSignal.Change] = [:]
    }

    /// A row of a region in mode `copy`.
    struct Row: Sendable {
        let key: CacheKey
        let bytes: [UInt8]
        let version: Int64
        /// Milliseconds that it has left; `nil` for ever.
        let left: Int64?
    }

    /// A change, without what only this node knows.
    struct Step: Sendable {
        let region: String
        let operation: CacheChange.Operation
        let ttlMilliseconds: Int64?
    }

    /// How long it is known that a key was removed; no load may take longer.
    static let removedMilliseconds: Int64 = 60_000

    let transaction: DatabaseTransaction

    /// Makes changes in order. Regions are locked in the order of their names, so that no two nodes wait for
    /// each other.
    func apply(_ steps: [Step]) throws -> Result {
        var result = Result()
        var versions: [String: Int64] = [:]
        for region in Set(steps.map(\.region)).sorted() { versions[region] = try raise(region) }
        let now = try transaction.now()
        for step in steps {
            let version = versions[step.region] ?? 0
            let outcome = try apply(step, version: version, now: now)
            result.outcomes.append(outcome)
            var change =
                result.changes[step.region] ?? CacheSignal.Change(region: step.region, version: version)
            if case .done = outcome {
                if let key = step.operation.key {
                    change.keys.append(key)
                } else {
                    change.isAll = true
                    change.keys = []
                }
            }
            result.changes[step.region] = change
        }
        return result
    }

    /// The version of a region, which is made when it is new.
    func version(_ region: String) throws -> Int64 {
        let row = try transaction.firstRow(
            "SELECT version FROM cache_region WHERE name = ?", [.text(region)])
        return try row?.integer("version") ?? make(region, raise: 0)
    }

    /// Values after a key, in the order of keys.
    func rows(_ region: String, after: String, limit: Int64) throws -> [Row] {
        let now = try transaction.now()
        return try transaction.rows(
            """
            SELECT key, value, version, expires_at FROM cache_entry
            WHERE region = ? AND key > ? AND value IS NOT NULL AND (expires_at IS NULL OR expires_at > ?)
            ORDER BY key LIMIT ?
            """, [.text(region), .text(after), .integer(now), .integer(limit)]
        ).compactMap { row in
            guard let key = CacheKey(written: try row.text("key")) else { return nil }
            return Row(
                key: key, bytes: try row.blob("value"), version: try row.integer("version"),
                left: try row.optionalInteger("expires_at").map { $0 - now })
        }
    }

    /// The values of some keys.
    func rows(_ region: String, keys: [CacheKey]) throws -> [Row] {
        let now = try transaction.now()
        return try keys.compactMap { key in
            guard let row = try live(region, key, now) else { return nil }
            return Row(
                key: key, bytes: try row.blob("value"), version: try row.integer("version"),
                left: try row.optionalInteger("expires_at").map { $0 - now })
        }
    }

    /// Removes rows that have expired, and the oldest beyond a number.
    func trim(_ region: String, entriesMax: Int64) throws {
        try transaction.execute(
            "DELETE FROM cache_entry WHERE region = ? AND expires_at <= ?",
            [.text(region), .integer(try transaction.now())])
        try transaction.execute(
            """
            DELETE FROM cache_entry WHERE region = ? AND key IN (
                SELECT key FROM cache_entry WHERE region = ?
                ORDER BY version DESC, key LIMIT 10000000 OFFSET ?)
            """, [.text(region), .text(region), .integer(entriesMax)])
    }

    private func raise(_ region: String) throws -> Int64 {
        let row = try transaction.firstRow(
            "UPDATE cache_region SET version = version + 1 WHERE name = ? RETURNING version", [.text(region)])
        return try row?.integer("version") ?? make(region, raise: 1)
    }

    /// Makes a region that has no row, unless another node does so at the same time.
    ///
    /// It begins above all that was ever given out, should a crash of the database have taken the row and
    /// what was stored since: no region changes a million times in a millisecond. Loads that began before
    /// are refused.
    private func make(_ region: String, raise: Int64) throws -> Int64 {
        let first = DatabaseValue.integer(min(max(0, try transaction.now()), 1 << 42) << 20)
        let row = try transaction.firstRow(
            """
            INSERT INTO cache_region (name, version, cleared) VALUES (?, ?, ?)
            ON CONFLICT (name) DO UPDATE SET version = cache_region.version + ? RETURNING version
            """, [.text(region), first, first, .integer(raise)])
        return try row?.integer("version") ?? 0
    }

    private func apply(_ step: Step, version: Int64, now: Int64) throws -> CacheChange.Outcome {
        let done = CacheChange.Outcome.done(version: version)
        switch step.operation {
        case .tell: return done
        case .put(let key, let bytes):
            try store(step, key, bytes, version, now)
            return done
        case .putIfAbsent(let key, let bytes):
            if let row = try live(step.region, key, now) { return .refused(try row.blob("value")) }
            try store(step, key, bytes, version, now)
            return done
        case .replace(let key, let old, let new):
            let present = try live(step.region, key, now)?.blob("value")
            guard present == old else { return .refused(present) }
            try store(step, key, new, version, now)
            return done
        case .remove(let key, let old):
            if let old {
                let present = try live(step.region, key, now)?.blob("value")
                guard present == old else { return .refused(present) }
            }
            // The row stays for a while, so that a load which began before does not bring the value back.
            try store(step, key, nil, version, now)
            return done
        case .install(let key, let bytes, let since):
            let row = try transaction.firstRow(
                """
                SELECT e.value, e.version AS version, r.cleared AS cleared FROM cache_region r
                LEFT JOIN cache_entry e ON e.region = r.name AND e.key = ? WHERE r.name = ?
                """, [.text(key.written), .text(step.region)])
            if try row?.optionalInteger("version") ?? 0 > since || row?.integer("cleared") ?? 0 > since {
                return .refused(try row?.optionalBlob("value"))
            }
            try store(step, key, bytes, version, now)
            return done
        case .clear:
            try transaction.execute("DELETE FROM cache_entry WHERE region = ?", [.text(step.region)])
            try transaction.execute(
                "UPDATE cache_region SET cleared = ? WHERE name = ?",
                [.integer(version), .text(step.region)])
            return done
        }
    }

    private func live(_ region: String, _ key: CacheKey, _ now: Int64) throws -> DatabaseRow? {
        try transaction.firstRow(
            """
            SELECT value, version, expires_at FROM cache_entry
            WHERE region = ? AND key = ? AND value IS NOT NULL AND (expires_at IS NULL OR expires_at > ?)
            """, [.text(region), .text(key.written), .integer(now)])
    }

    private func store(
        _ step: Step, _ key: CacheKey, _ bytes: [UInt8]?, _ version: Int64, _ now: Int64
    ) throws {
        let lifetime = bytes == nil ? Self.removedMilliseconds : step.ttlMilliseconds
        try transaction.execute(
            """
            INSERT INTO cache_entry (region, key, version, value, expires_at) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT (region, key) DO UPDATE
            SET version = excluded.version, value = excluded.value, expires_at = excluded.expires_at
            """,
            [
                .text(step.region), .text(key.written), .integer(version), .optional(bytes),
                .optional(lifetime.map { now + $0 }),
            ])
    }
}
