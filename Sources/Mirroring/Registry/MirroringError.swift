internal import Portable

/// What the registry of mirrors refuses, and why.
package enum MirroringError: Error, Sendable, Hashable, CustomStringConvertible {
    /// No mirror, or request of one, has this id.
    case noSuchMirror(id: String)
    /// No request has this number.
    case noSuchRequest(id: Int64)
    /// The request cannot be taken as it is.
    case conflict(message: String)
    /// A value from outside breaks a rule.
    case invalid(field: String, message: String)
    /// The caller is not a mirror that was accepted, or not this one.
    case unauthorized(TokenError)
    /// This server is not the one for that: a mirror where a primary is needed, or the reverse.
    case wrongMode(message: String)
    /// The database cannot be used.
    case unavailable(reason: String)

    /// The sentence for people.
    package var description: String {
        switch self {
        case .noSuchMirror(let id): "No mirror has the id \(id.prefix(40))."
        case .noSuchRequest(let id): "No mirroring request has the id \(id)."
        case .conflict(let message), .invalid(_, let message), .wrongMode(let message): message
        case .unauthorized(let error): "The mirror's request is not accepted: \(error)."
        case .unavailable(let reason): "The registry of mirrors cannot be used: \(reason)."
        }
    }
}
