/// Why a lock is not acquired, or a write under it refused.
package enum LockError: Error, Hashable, CustomStringConvertible {
    /// A name is empty, longer than 255 bytes, or has control characters.
    case invalidName(String)
    /// The namespace is the program's own.
    case reservedNamespace(String)
    /// The run that asks holds this lock already: it would wait for itself.
    case reentry(LockName)
    /// The lock did not become free in time.
    case timedOut(LockName, waited: Duration)
    /// More wait on this node than may.
    case tooManyWaiters(LockName, limit: Int)
    /// The service does not run.
    case stopped
    /// A write came with a fencing token smaller than one that has been seen.
    case staleToken(resource: String, token: Int64, seen: Int64)
    /// A write came from somebody who worked on a bucket that is another's now.
    case bucketLost(bucket: String)

    /// The fact as a lower-case clause.
    package var description: String {
        switch self {
        case .invalidName(let name):
            "name \"\(name.prefix(40))\" of \(name.utf8.count) bytes is not valid "
                + "(1 to 255 bytes without control characters)"
        case .reservedNamespace(let name): "namespace \"\(name)\" is the program's own"
        case .reentry(let name): "lock \"\(name)\" is held by the same run already"
        case .timedOut(let name, let waited):
            "lock \"\(name)\" did not become free within \(waited / .milliseconds(1)) ms"
        case .tooManyWaiters(let name, let limit):
            "lock \"\(name)\" has \(limit) waiters on this node, which is the limit"
        case .stopped: "locks are not served"
        case .staleToken(let resource, let token, let seen):
            "fencing token \(token) for \"\(resource)\" is smaller than \(seen), which has been seen"
        case .bucketLost(let bucket): "bucket \"\(bucket)\" is not this batch's any more"
        }
    }
}
