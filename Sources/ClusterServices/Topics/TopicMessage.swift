package import Portable

/// A message that was published on a topic.
package struct TopicMessage: Sendable, Hashable {
    /// The node that published it, as ``TopicService`` was told its name.
    package let node: String
    /// Whether this node did.
    package let isOwn: Bool
    /// Counts the messages of a node: the later one of two has the greater number.
    package let number: Int64
    /// What was published.
    package let payload: PortableValue
}

/// Why a message was not sent.
package enum TopicError: Error, Hashable, CustomStringConvertible {
    /// Its encoding is too large.
    case tooLarge(bytes: Int, limit: Int)
    /// It cannot be encoded.
    case invalid(PortableError)
    /// Too many messages of this node wait to be sent.
    case tooMany(limit: Int)
    /// The database cannot be reached, or the node stops.
    case unavailable(reason: String)

    package var description: String {
        switch self {
        case .tooLarge(let bytes, let limit): "a message of \(bytes) bytes; \(limit) are allowed"
        case .invalid(let error): "\(error)"
        case .tooMany(let limit): "\(limit) messages wait to be sent"
        case .unavailable(let reason): "messages cannot be sent: \(reason)"
        }
    }
}
