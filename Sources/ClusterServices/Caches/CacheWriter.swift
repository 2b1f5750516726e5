import Logging
import SharedDatabase
import Synchronization

/// Brings the changes of this node's caches to the database: many in one short transaction, at most one
/// transaction in 1 ms.
final class CacheWriter: Sendable {
    private struct State {
        var queue: [CacheChange] = []
        var isOpen = true
        var lastStart: Int64 = 0
        var batches = 0
    }
    private let state = Mutex(State())
    private let database: SharedDatabase
    private let logger: Logger
    private let source: Int64
    private let bell: AsyncStream<Void>
    private let ring: AsyncStream<Void>.Continuation

    private static let interval: Int64 = 1_000_000
    private static let changesMax = 256
    private static let queueMax = 10_000
    /// Transactions between two looks at what has grown too large.
    private static let trimEvery = 64

    init(database: SharedDatabase, source: Int64, logger: Logger) {
        self.database = database
        self.source = source
        self.logger = logger
        (bell, ring) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// Makes a change; returns when its transaction is committed, and this node's entries show it.
    /// - Parameter doubts: How often the region's knowledge was in doubt when the change was begun, unless
    ///   now.
    func submit(
        _ region: CacheRegion, _ operation: CacheChange.Operation, _ effect: CacheChange.Effect,
        doubts: Int? = nil
    ) async -> CacheChange.Outcome {
        await withCheckedContinuation { continuation in
            let change = CacheChange(region, operation, effect, doubts: doubts, waiter: continuation)
            let isAccepted = state.withLock { state in
                guard state.isOpen, state.queue.count < Self.queueMax else { return false }
                state.queue.append(change)
                return true
            }
            if isAccepted {
                ring.yield()
            } else {
                change.answer(.failed(.unavailable(reason: "too many changes wait, or the node stops")))
            }
        }
    }

    /// Works until the task is cancelled or ``close()``.
    func run() async {
        for await _ in bell {
            while let batch = await next() { await write(batch) }
        }
    }

    /// Answers what waits for too long: the database is away, or slow.
    func giveUp(now: Int64) {
        let late = state.withLock { state in
            let late = state.queue.filter { $0.deadline <= now }
            if !late.isEmpty { state.queue.removeAll { $0.deadline <= now } }
            return late
        }
        fail(late, .unavailable(reason: "the database did not answer within 5 s"))
    }

    /// Takes no more changes; what waits is refused.
    func close() {
        let rest = state.withLock { state in
            state.isOpen = false
            defer { state.queue = [] }
            return state.queue
        }
        fail(rest, .unavailable(reason: "the node stops"))
        ring.finish()
    }

    private func next() async -> [CacheChange]? {
        let (isEmpty, wait) = state.withLock { state in
            (state.queue.isEmpty, state.lastStart + Self.interval - CacheClock.now)
        }
        if isEmpty { return nil }
        if wait > 0 { try? await Task.sleep(for: .nanoseconds(wait)) }
        return state.withLock { state in
            state.lastStart = CacheClock.now
            state.batches += 1
            let batch = Array(state.queue.prefix(Self.changesMax))
            state.queue.removeFirst(batch.count)
            return batch.isEmpty ? nil : batch
        }
    }

    private func write(_ changes: [CacheChange]) async {
        let baseless = Set(changes.indices.filter { changes[$0].isBaseless })
        for index in baseless { changes[index].answer(.refused(nil)) }
        let batch = changes.indices.filter { !baseless.contains($0) }.map { changes[$0] }
        guard !batch.isEmpty else { return }
        let steps = batch.map { change in
            CacheTables.Step(
                region: change.region.fullName, operation: change.operation,
                ttlMilliseconds: change.region.ttlMilliseconds)
        }
        let trims = state.withLock { $0.batches % Self.trimEvery == 0 } ? trims(batch) : [:]
        let source = source
        let began = CacheClock.now
        // Answered by `giveUp` when it takes too long; the transaction goes on and its answers are dropped.
        let watch = Task { [weak self] in
            try await Task.sleep(for: .nanoseconds(CacheChange.limit))
            self?.fail(batch, .unavailable(reason: "the database did not answer within 5 s"))
        }
        defer { watch.cancel() }
        do {
            let result = try await database.write(durability: .process) { transaction in
                let tables = CacheTables(transaction: transaction)
                let result = try tables.apply(steps)
                for (region, entriesMax) in trims { try tables.trim(region, entriesMax: entriesMax) }
                let signal = CacheSignal(
                    source: source, stamp: began,
                    changes: result.changes.values.sorted { $0.region < $1.region })
                for payload in try signal.payloads() {
                    try transaction.notify(CacheSignal.channel, payload)
                }
                return result
            }
            for (change, outcome) in zip(batch, result.outcomes) {
                change.answer(outcome)
            }
        } catch {
            logger.warning("caches cannot tell other nodes", metadata: ["error": "\(error)"])
            fail(batch, .unavailable(reason: "\(error)"))
        }
    }

    private func trims(_ batch: [CacheChange]) -> [String: Int64] {
        var trims: [String: Int64] = [:]
        for change in batch where change.region.settings.mode == .copy {
            trims[change.region.fullName] = Int64(change.region.settings.entriesMax)
        }
        return trims
    }

    private func fail(_ changes: [CacheChange], _ error: CacheError) {
        for change in changes { change.answer(.failed(error)) }
    }
}
