package import Portable

extension KeyValueStore {
    /// One key with its value.
    package struct Entry: Sendable, Hashable {
        /// Unique within the namespace.
        package let key: String
        /// What was put there.
        package let value: PortableValue
        /// Grows with every change in the namespace; never used twice for a key, not even after a deletion.
        package let version: Int64
        /// When the entry ends, in milliseconds since 1970 by the database's clock; `nil` for never.
        package let expires: Int64?
    }

    /// What became of a `put`.
    package enum PutOutcome: Sendable, Hashable {
        /// The value is stored, with this version.
        case stored(version: Int64)
        /// The key has another version than was asked for: this one, or `nil` when it does not exist.
        case conflict(current: Int64?)
        /// The namespace would hold `used` bytes, more than `limit`; `tokens` of them are keys that remember
        /// a fencing token. Nothing was changed.
        case quotaExceeded(used: Int64, limit: Int64, tokens: Int64 = 0)
    }
}
