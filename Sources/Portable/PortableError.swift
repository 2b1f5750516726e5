/// Why a portable value could not be encoded or decoded.
package enum PortableError: Error, Hashable, CustomStringConvertible {
    /// Lists and maps lie deeper than the limit; `path` names the place, such as `2.items.1`.
    case depthExceeded(path: String)
    /// The encoding has more bytes than the limit.
    case tooLarge(bytes: Int, limit: Int)
    /// The bytes are not what they should be, at this offset from 0.
    case malformed(offset: Int, reason: String)
    /// The value has no form in JSON.
    case notJSON(reason: String)
    /// A kind of value that portable values do not have, at this place.
    case unsupported(path: String, reason: String)

    /// The fact as a lower-case clause.
    package var description: String {
        switch self {
        case .depthExceeded(let path):
            "value nested too deeply\(path.isEmpty ? "" : " at \(path)")"
        case .tooLarge(let bytes, let limit):
            "value of \(bytes) bytes is larger than the limit of \(limit) bytes"
        case .malformed(let offset, let reason):
            "malformed at byte \(offset): \(reason)"
        case .notJSON(let reason):
            "value has no form in JSON: \(reason)"
        case .unsupported(let path, let reason):
            "unsupported value\(path.isEmpty ? "" : " at \(path)"): \(reason)"
        }
    }
}
