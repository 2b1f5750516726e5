package import Portable
import Synchronization

/// One cache on this node. All nodes that open the same name in a mode other than `local` have the same
/// cache.
///
/// What it gives is never older than a change which returned 3 s ago on whichever node, under any fault: a
/// node that has heard nothing for so long takes its caches for empty. Nothing in it lasts: an entry may be
/// gone at any time.
package final class CacheRegion: Sendable {
    struct State {
        /// The version up to which this node has heard of all changes.
        var heard: Int64 = 0
        var isClosed = false
        var lastLocal: Int64 = 0
        /// Counted up when all that was known is in doubt.
        var doubts = 0
        /// Keys whose values are to be read, in mode `copy`.
        var wanted: Set<CacheKey> = []
        /// Whether all values are to be read, in mode `copy`.
        var isAllWanted = false
    }

    /// Whose it is.
    package let namespace: String
    /// Its name within the namespace.
    package let name: String
    /// How it behaves.
    package let settings: CacheSettings
    let store: CacheStore
    let stream: CacheStream
    let writer: CacheWriter
    let state = Mutex(State())
    /// Whether it knows where it is in the stream of changes.
    let isSettled: Atomic<Bool>

    init(
        namespace: String, name: String, settings: CacheSettings, stream: CacheStream, writer: CacheWriter
    ) {
        self.namespace = namespace
        self.name = name
        self.settings = settings
        self.stream = stream
        self.writer = writer
        store = CacheStore(settings)
        isSettled = Atomic(settings.mode == .local)
    }

    /// The name in tables and signals.
    var fullName: String { "\(namespace)/\(name)" }

    var ttlMilliseconds: Int64? { settings.timeToLive.map { CacheClock.nanoseconds($0) / 1_000_000 } }

    /// Whether what is stored here may be given out at this time of the node's clock.
    @inline(__always)
    func isUsable(_ now: Int64) -> Bool {
        settings.mode == .local
            || (stream.isHeard(now) && isSettled.load(ordering: .acquiring))
    }

    /// Lends the value of a key, as MessagePack, if there is one. It takes about as long as a hash.
    /// - Returns: Whether there is one.
    package func withBytes(_ key: CacheKey.LentKey, _ body: (UnsafeRawBufferPointer) -> Void) -> Bool {
        let now = CacheClock.now
        return store.read(key, now: now, isUsable: isUsable(now), body)
    }

    /// As ``withBytes(_:_:)``; a miss is not counted, since the caller asks again in another way.
    package func glance(_ key: CacheKey.LentKey, _ body: (UnsafeRawBufferPointer) -> Void) -> Bool {
        let now = CacheClock.now
        return store.read(key, now: now, isUsable: isUsable(now), countsMiss: false, body)
    }

    /// The value of a key; `nil` when there is none.
    package func value(for key: CacheKey) -> PortableValue? {
        var value: PortableValue?
        _ = key.withLent { lent in withBytes(lent) { value = try? MessagePack.decode($0) } }
        return value
    }

    /// Keys that this node has values of, at most a number, those read last first.
    package func keys(limit: Int = 10_000) -> [CacheKey] {
        let now = CacheClock.now
        return isUsable(now) ? Array(store.keys(now: now).prefix(max(0, limit))) : []
    }

    /// What it has done on this node.
    package var statistics: CacheStatistics { store.statistics }

    /// Nothing is stored from here on.
    func close() {
        state.withLock { $0.isClosed = true }
        isSettled.store(false, ordering: .releasing)
        store.invalidateAll(isForeign: false)
    }
}
