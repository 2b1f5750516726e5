/// What a cache has done on this node since it was opened.
package struct CacheStatistics: Sendable, Hashable {
    /// Entries now, those that have expired unnoticed included.
    package var entries = 0
    /// Bytes of keys and encoded values now.
    package var bytes = 0
    /// Reads that found a value.
    package var hits = 0
    /// Reads that found none.
    package var misses = 0
    /// Values that were asked of a loader.
    package var loads = 0
    /// Entries that went for want of room.
    package var evictions = 0
    /// Entries that went because another node changed them.
    package var invalidations = 0

    static func + (left: CacheStatistics, right: CacheStatistics) -> CacheStatistics {
        var sum = left
        sum.entries += right.entries
        sum.bytes += right.bytes
        sum.hits += right.hits
        sum.misses += right.misses
        sum.loads += right.loads
        sum.evictions += right.evictions
        sum.invalidations += right.invalidations
        return sum
    }
}
