import Logging
import SharedDatabase
import Synchronization

extension ExecutorService {
    /// Has tasks wait for their own rests and delays, rather than for a clock that was set back to get again
    /// where it was.
    /// - Parameter delayed: Whether to look at delayed tasks as well, which takes reading them all.
    func catchUpWithClock(delayed: Bool) async {
        let rests = state.withLock { state in
            state.slots.filter { !$0.value.isEnded }
                .mapValues { Int64(clamping: $0.definition.settings.backoffMax) }
        }
        let found = try? await database.read { transaction in
            let rows = try ExecutorRows(transaction)
            let executors = try rests.filter { try rows.hasBucketsAhead($0.key, restMax: $0.value) }
            return (executors, delayed: try delayed && rows.hasDelayedAhead())
        }
        guard let (executors, delayed) = found, !executors.isEmpty || delayed else { return }
        logger.warning(
            "the database's clock was set back: tasks that wait for a time that it had reached go on")
        var hasMore = true
        while hasMore, !Task.isCancelled {
            let more = try? await database.write { transaction in
                let rows = try ExecutorRows(transaction)
                var hasMore = false
                for (id, rest) in executors.sorted(by: { $0.key < $1.key }) {
                    if try rows.bringBucketsBack(id, restMax: rest, limit: 500) { hasMore = true }
                }
                if delayed, try rows.bringDelayedBack(limit: 500) { hasMore = true }
                return hasMore
            }
            hasMore = more ?? false
        }
        wake(Set(executors.keys), all: true)
    }
}
