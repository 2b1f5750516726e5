/// Why a key or a page of keys is refused.
package enum KeyValueError: Error, Hashable, CustomStringConvertible {
    /// A key is empty, longer than 512 bytes, or holds a NUL.
    case invalidKey(String)
    /// A namespace is empty, longer than 256 bytes, or holds a NUL.
    case invalidNamespace(String)
    /// A transaction touches more keys than the limit.
    case tooManyKeys(count: Int, limit: Int)
    /// An entry would last less than a millisecond.
    case invalidLifetime(Int64)
    /// A transaction would make the namespace hold `used` bytes, more than `limit`; `tokens` of them are keys
    /// that remember a fencing token. Nothing was changed.
    case quotaExceeded(used: Int64, limit: Int64, tokens: Int64 = 0)

    /// What to say of the keys that remember a token, where there are any.
    package static func note(tokens: Int64) -> String {
        tokens > 0 ? "; \(tokens) of them are keys that remember a lock's token" : ""
    }

    /// The fact as a lower-case clause.
    package var description: String {
        switch self {
        case .invalidKey(let key):
            "key \"\(key.prefix(40))\" of \(key.utf8.count) bytes is not valid (1 to 512 bytes without NUL)"
        case .invalidNamespace(let name):
            "namespace \"\(name.prefix(40))\" of \(name.utf8.count) bytes is not valid "
                + "(1 to 256 bytes without NUL)"
        case .tooManyKeys(let count, let limit):
            "transaction touches \(count) keys (limit \(limit))"
        case .invalidLifetime(let milliseconds):
            "lifetime of \(milliseconds) ms is not valid (at least 1)"
        case .quotaExceeded(let used, let limit, let tokens):
            "\(used) bytes are more than the \(limit) bytes of the namespace's quota"
                + Self.note(tokens: tokens)
        }
    }
}
