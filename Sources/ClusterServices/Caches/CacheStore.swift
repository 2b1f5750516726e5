import Synchronization

/// The entries of one cache on this node, the loads under way, and the changes that are not yet confirmed.
///
/// An entry's version is that of the change that stored it, 0 when it was loaded. A change of another node
/// removes what is older.
final class CacheStore: Sendable {
    /// Changes of one key, or of all, that the database has not answered yet.
    private struct Pending {
        var count = 0
        /// The latest change of another node heard since.
        var heard: Int64 = 0
    }

    private struct State: ~Copyable {
        var table: CacheTable
        var flights: [CacheKey: CacheFlight] = [:]
        var pending: [CacheKey: Pending] = [:]
        /// Changes of other nodes heard during a pull; `nil` when none runs.
        var touched: [CacheKey: Int64]?
        var touchedAll: Int64 = 0
        /// The latest change of all keys by another node.
        var clearedAt: Int64 = 0
        var statistics = CacheStatistics()

        init(table: CacheTable) { self.table = table }

        mutating func touch(_ key: CacheKey, _ version: Int64) {
            guard let before = touched.map({ $0[key] ?? 0 }) else { return }
            touched?[key] = max(before, version)
        }
    }

    private final class Shard: Sendable {
        let state: Mutex<State>
        init(_ table: CacheTable) { state = Mutex(State(table: table)) }
    }

    private let shards: [Shard]
    private let ttl: Int64?

    init(_ settings: CacheSettings) {
        // A small cache evicts in the exact order of reads, and has room for one large value.
        let count = settings.entriesMax < 1024 || settings.bytesMax < 8 << 20 ? 1 : 8
        ttl = settings.timeToLive.map(CacheClock.nanoseconds)
        let idle = settings.timeToIdle.map(CacheClock.nanoseconds)
        shards = (0..<count).map { _ in
            Shard(
                CacheTable(
                    entriesMax: max(1, settings.entriesMax / count), bytesMax: settings.bytesMax / count,
                    idle: idle))
        }
    }

    /// Lends the encoded value of a key; gives whether there is one. `isUsable` false makes it a miss.
    @inline(__always)
    func read(
        _ key: CacheKey.LentKey, now: Int64, isUsable: Bool, countsMiss: Bool = true,
        _ body: (UnsafeRawBufferPointer) -> Void
    ) -> Bool {
        let hash = key.hash
        return shard(hash).state.withLock { state in
            if isUsable, state.table.read(key, hash, now: now, body) {
                state.statistics.hits &+= 1
                return true
            }
            if countsMiss { state.statistics.misses &+= 1 }
            return false
        }
    }

    /// A value, or the load to wait for, or a new load that the caller has to make.
    enum Start {
        case hit([UInt8])
        case waiting(CacheFlight)
        case loading(CacheFlight)
    }

    func start(_ key: CacheKey, now: Int64, isUsable: Bool, since: Int64, doubts: Int) -> Start {
        on(key) { state, lent, hash in
            var found: [UInt8]?
            if isUsable, state.table.read(lent, hash, now: now, { found = Array($0) }), let found {
                state.statistics.hits &+= 1
                return .hit(found)
            }
            // While nothing is heard of changes an old load may have missed one.
            if let flight = state.flights[key], isUsable || now - flight.began < CacheStream.silenceMax {
                return .waiting(flight)
            }
            let flight = CacheFlight(since: since, doubts: doubts, began: now)
            state.flights[key] = flight
            state.statistics.loads &+= 1
            return .loading(flight)
        }
    }

    /// Ends a load. The value is kept if nothing was heard of the key since it began.
    /// - Parameter version: Of the change that stored it, where the load is one.
    func finish(_ flight: CacheFlight, _ key: CacheKey, _ bytes: [UInt8]?, version: Int64 = 0, keeps: Bool) {
        on(key) { state, lent, hash in
            guard state.flights[key] === flight else { return }
            state.flights[key] = nil
            guard let bytes, keeps else { return }
            let now = CacheClock.now
            state.table.insert(
                lent, hash, bytes, version: version, expires: Self.expiry(now, ttl), now: now)
        }
        flight.end(bytes)
    }

    /// Whether a load is still the one of its key.
    func isCurrent(_ flight: CacheFlight, _ key: CacheKey) -> Bool {
        on(key) { state, _, _ in state.flights[key] === flight }
    }

    // MARK: - Changes of this node

    /// A change is on its way to the database.
    func begin(_ key: CacheKey) {
        on(key) { state, _, _ in state.pending[key, default: Pending()].count += 1 }
    }

    /// What a change of a key does here.
    enum Effect {
        case store([UInt8])
        case remove
        /// The change did not happen.
        case nothing
        /// Nobody knows whether it happened.
        case unknown
    }

    /// The database has answered a change that was begun. `body` gets the present value.
    func end<Result: Sendable>(
        _ key: CacheKey, version: Int64, isUsable: Bool, _ body: ([UInt8]?) -> (Effect, Result)
    ) -> Result {
        on(key) { state, lent, hash in
            let heard = max(state.pending[key]?.heard ?? 0, state.clearedAt)
            state.pending[key]?.count -= 1
            if state.pending[key]?.count == 0 { state.pending[key] = nil }
            let (effect, result) = body(Self.present(&state, lent, hash, isUsable))
            // Somebody has changed the key after this change: its value would be old.
            let isOld = heard > version
            Self.apply(
                isOld && Self.isStore(effect) ? .remove : effect, &state, key, lent, hash, version, ttl)
            return result
        }
    }

    /// Changes a value at once, on this node alone. `body` gets the present value.
    func change<Result: Sendable>(
        _ key: CacheKey, version: Int64, isUsable: Bool, _ body: ([UInt8]?) -> (Effect, Result)
    ) -> Result {
        on(key) { state, lent, hash in
            let (effect, result) = body(Self.present(&state, lent, hash, isUsable))
            Self.apply(effect, &state, key, lent, hash, version, ttl)
            return result
        }
    }

    private static func isStore(_ effect: Effect) -> Bool {
        if case .store = effect { true } else { false }
    }

    private static func present(
        _ state: inout State, _ lent: CacheKey.LentKey, _ hash: Int, _ isUsable: Bool
    ) -> [UInt8]? {
        guard isUsable else { return nil }
        var found: [UInt8]?
        _ = state.table.read(lent, hash, now: CacheClock.now) { found = Array($0) }
        return found
    }

    private static func apply(
        _ effect: Effect, _ state: inout State, _ key: CacheKey, _ lent: CacheKey.LentKey, _ hash: Int,
        _ version: Int64, _ ttl: Int64?
    ) {
        switch effect {
        case .nothing: return
        case .unknown: state.table.remove(lent, hash)
        case .remove: state.table.remove(lent, hash, upTo: version)
        case .store(let bytes):
            let now = CacheClock.now
            state.table.insert(
                lent, hash, bytes, version: version, expires: expiry(now, ttl), now: now)
        }
        // A load that began before must not put back what it found.
        state.flights[key] = nil
        state.touch(key, version)
    }

    // MARK: - Changes of other nodes

    /// Another node changed a key. What that very change stored may have been read already: it stays.
    func invalidate(_ key: CacheKey, version: Int64) {
        on(key) { state, lent, hash in
            state.flights[key] = nil
            if let heard = state.pending[key]?.heard { state.pending[key]?.heard = max(heard, version) }
            state.touch(key, version)
            if state.table.remove(lent, hash, upTo: version &- 1) { state.statistics.invalidations &+= 1 }
        }
    }

    /// Another node, or this one, changed everything; or nothing is known of what happened until now.
    func invalidateAll(version: Int64 = .max, isForeign: Bool = true) {
        for shard in shards {
            shard.state.withLock { state in
                state.flights = [:]
                state.clearedAt = max(state.clearedAt, version == .max ? 0 : version)
                state.touchedAll = version
                // What was stored after it by the same transaction may have been read already.
                let isRead = isForeign && version != .max
                let count = state.table.removeAll(upTo: isRead ? version &- 1 : version)
                if isForeign { state.statistics.invalidations &+= count }
            }
        }
    }

    /// Nothing that was heard until now is known to be true: changes that are heard from here on may have
    /// smaller versions.
    func forgetAll() {
        invalidateAll()
        for shard in shards {
            shard.state.withLock { state in
                state.clearedAt = 0
                state.pending = state.pending.mapValues { Pending(count: $0.count) }
            }
        }
    }

    /// Before rows are read, so that those which change meanwhile are told from the others.
    func beginPull() {
        for shard in shards {
            shard.state.withLock { state in
                state.touched = [:]
                state.touchedAll = 0
            }
        }
    }

    /// A row that was read; kept unless a later change of it was heard meanwhile.
    func pull(_ key: CacheKey, _ bytes: [UInt8], version: Int64, expires: Int64, now: Int64) {
        on(key) { state, lent, hash in
            let touched = max(state.touched?[key] ?? 0, state.touchedAll)
            guard touched <= version else { return }
            state.table.insert(
                lent, hash, bytes, version: version, expires: min(expires, Self.expiry(now, ttl)),
                now: now)
        }
    }

    func endPull() {
        for shard in shards { shard.state.withLock { $0.touched = nil } }
    }

    // MARK: - Overview

    func keys(now: Int64) -> [CacheKey] {
        shards.flatMap { $0.state.withLock { $0.table.keys(now: now) } }
    }

    var statistics: CacheStatistics {
        shards.reduce(CacheStatistics()) { sum, shard in
            sum
                + shard.state.withLock { state in
                    var statistics = state.statistics
                    statistics.entries = state.table.count
                    statistics.bytes = state.table.bytes
                    statistics.evictions = state.table.evictions
                    return statistics
                }
        }
    }

    private static func expiry(_ now: Int64, _ ttl: Int64?) -> Int64 { ttl.map { now &+ $0 } ?? .max }

    @inline(__always)
    private func shard(_ hash: Int) -> Shard {
        // The upper bits: the lower ones choose the bucket.
        shards.count == 1 ? shards[0] : shards[(hash >> 48) & (shards.count - 1)]
    }

    private func on<Value: Sendable>(
        _ key: CacheKey, _ body: (inout State, CacheKey.LentKey, Int) -> Value
    ) -> Value {
        key.withLent { lent in
            let hash = lent.hash
            return shard(hash).state.withLock { body(&$0, lent, hash) }
        }
    }
}
