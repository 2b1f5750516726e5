import Synchronization

/// A change that a cache of this node wants made, and the answer to it.
final class CacheChange: Sendable {
    /// What is done in the database.
    enum Operation: Sendable {
        /// Others forget the key; nothing is written.
        case tell(CacheKey)
        case put(CacheKey, [UInt8])
        case putIfAbsent(CacheKey, [UInt8])
        case replace(CacheKey, old: [UInt8], new: [UInt8])
        case remove(CacheKey, old: [UInt8]?)
        /// What a load gave, unless the key has changed since this version.
        case install(CacheKey, [UInt8], since: Int64)
        case clear

        var key: CacheKey? {
            switch self {
            case .tell(let key), .put(let key, _), .putIfAbsent(let key, _), .replace(let key, _, _),
                .remove(let key, _), .install(let key, _, _):
                key
            case .clear: nil
            }
        }
    }

    /// What is done on this node once it is committed.
    enum Effect: Sendable {
        case store([UInt8])
        case remove
        case clear
        /// Stores, or removes for `nil`, if this node's own value then is one that the condition accepts.
        case compare(@Sendable ([UInt8]?) -> Bool, storing: [UInt8]?)
    }

    /// What became of it.
    enum Outcome: Sendable, Hashable {
        /// It happened.
        case done(version: Int64)
        /// Its condition did not hold; the value that is there, if there is one.
        case refused([UInt8]?)
        case failed(CacheError)
    }

    let region: CacheRegion
    let operation: Operation
    let effect: Effect
    /// How often the region's knowledge was in doubt before; see ``CacheRegion/State``.
    let doubts: Int
    /// Whether what it is based on is in doubt by now: a load's version may be of commits that were lost.
    var isBaseless: Bool {
        guard case .install = operation else { return false }
        return region.state.withLock { $0.doubts } != doubts
    }
    /// When it is given up, by this node's clock.
    let deadline: Int64
    private let waiter: Mutex<CheckedContinuation<Outcome, Never>?>

    init(
        _ region: CacheRegion, _ operation: Operation, _ effect: Effect, doubts: Int? = nil,
        waiter: CheckedContinuation<Outcome, Never>
    ) {
        self.region = region
        self.operation = operation
        self.effect = effect
        self.doubts = doubts ?? region.state.withLock { $0.doubts }
        deadline = CacheClock.now + Self.limit
        self.waiter = Mutex(waiter)
    }

    /// How long a change may take, in nanoseconds.
    static let limit: Int64 = 5_000_000_000

    /// Takes effect on this node and tells the caller, once; later answers are dropped, effects and all.
    func answer(_ outcome: Outcome) {
        let waiter = waiter.withLock { waiter in
            defer { waiter = nil }
            return waiter
        }
        waiter?.resume(returning: region.settle(self, outcome))
    }
}
