import Synchronization

/// How far this node has heard what others say about caches.
///
/// A node speaks itself each second, and what it has said comes back in the order of all that was said: when
/// it hears itself, it has heard everything that was committed before it spoke.
final class CacheStream: Sendable {
    /// After so long without hearing itself a node takes its caches for empty.
    static let silenceMax: Int64 = 3_000_000_000
    private static let never: Int64 = -1_000_000_000_000

    private let heardThrough = Atomic<Int64>(never)

    /// Whether everything of 3 s ago is heard, by this node's clock.
    @inline(__always)
    func isHeard(_ now: Int64) -> Bool { now &- heardThrough.load(ordering: .acquiring) < Self.silenceMax }

    /// The node has heard what it said at this time of its clock.
    func hear(_ stamp: Int64) { heardThrough.max(stamp, ordering: .acquiringAndReleasing) }

    /// Something may have been missed.
    func interrupt() { heardThrough.store(Self.never, ordering: .releasing) }
}
