package import ClusterServices
import Synchronization

/// What was seen of the grants of locks, and what of it must not be.
///
/// Times are of one clock that all nodes of the test share. A grant is certain from when the holder was told
/// of it until the holder last knew that it held: before it gave the lock back, and before it was told of the
/// loss.
package final class LockHistory: Sendable {
    /// One grant.
    package struct Grant: Sendable {
        package let lock: LockName
        package let token: Int64
        package let holder: String
        package let from: Duration
        package var to: Duration?
    }

    private let grants = Mutex<[Grant]>([])

    package init() {}

    /// The holder has been told that it has the lock.
    /// - Returns: What ``end(_:)`` takes.
    package func begin(_ lock: LockName, token: Int64, holder: String) -> Int {
        grants.withLock { grants in
            grants.append(
                Grant(lock: lock, token: token, holder: holder, from: BootClock.system.now, to: nil))
            return grants.count - 1
        }
    }

    /// The holder knows that it still holds the lock, and may not a moment later.
    package func confirm(_ grant: Int) {
        grants.withLock { $0[grant].to = BootClock.system.now }
    }

    /// How many grants there were.
    package var count: Int { grants.withLock { $0.count } }

    /// Two holders of one lock at a time, and tokens that do not grow.
    package var violations: [String] {
        var problems: [String] = []
        let byLock = Dictionary(grouping: grants.withLock { $0 }, by: \.lock)
        for (lock, grants) in byLock {
            let sorted = grants.sorted { ($0.from, $0.token) < ($1.from, $1.token) }
            for (earlier, later) in zip(sorted, sorted.dropFirst()) {
                if later.token <= earlier.token {
                    problems.append(
                        "\(lock): \(later.token) to \(later.holder) after \(earlier.token)"
                    )
                }
            }
            var end: (time: Duration, holder: String)?
            for grant in sorted {
                if let end, grant.from < end.time {
                    problems.append(
                        "\(lock): \(grant.holder) held it with token \(grant.token) while \(end.holder) did")
                }
                if let to = grant.to, to > end?.time ?? .zero { end = (to, grant.holder) }
            }
        }
        return problems.sorted()
    }
}
