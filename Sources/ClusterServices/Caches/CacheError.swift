package import Portable

/// Why a cache did not do what was asked.
package enum CacheError: Error, Hashable, CustomStringConvertible {
    /// A key is neither a whole number nor a text of 1 to 512 bytes without NUL.
    case invalidKey(kind: String)
    /// `null` cannot be stored.
    case noValue
    /// The value is too large or too deep.
    case invalidValue(PortableError)
    /// The other nodes cannot be told at the moment. Whether they will be is not known; this node has
    /// forgotten what it had.
    case unavailable(reason: String)
    /// The cache belongs to somebody who is not there any more, or was opened again in another mode.
    case closed(name: String)

    package var description: String {
        switch self {
        case .invalidKey(let kind):
            "a key is an integer or a text of 1 to \(CacheKey.bytesMax) bytes without NUL, not \(kind)"
        case .noValue: "nil cannot be stored in a cache; use remove"
        case .invalidValue(let error): "\(error)"
        case .unavailable(let reason): "other nodes cannot be told: \(reason)"
        case .closed(let name): "the cache \"\(name)\" is closed"
        }
    }
}
