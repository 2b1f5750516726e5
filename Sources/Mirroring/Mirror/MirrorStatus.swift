package import Portable

/// How far a mirror is with its upstream; the raw value is what clients see.
/// - Source: Bitbucket Server's REST API, `RestUpstreamServer`.
package enum UpstreamState: String, Sendable, Hashable {
    /// Nothing was heard of it yet.
    case initializing = "INITIALIZING"
    /// Its administrators have to decide.
    case pending = "PENDING"
    /// It has accepted this mirror.
    case installed = "INSTALLED"
    /// It no longer does.
    case removed = "REMOVED"
}

/// Something that happened to the link between a mirror's node and its upstream.
package struct LinkEvent: Sendable, Hashable {
    /// What happened.
    package enum Kind: String, Sendable, Hashable {
        /// The upstream's administrators have not decided.
        case pending
        /// They have decided against it.
        case rejected
        /// The first answer, or the first one after a failure: anything may have changed meanwhile.
        case connected
        /// Projects, repositories or what is mirrored may have changed.
        case catalogue
        /// The others did not wait for this node any longer.
        case behind
        /// The question was not answered.
        case failed
    }

    /// What happened.
    package let kind: Kind
    /// Of a failure: ``PeerError/code``.
    package let code: String?
    /// Of a failure, for people.
    package let message: String?
    /// How often it has not worked since it last did.
    package let attempt: Int

    init(_ kind: Kind, code: String? = nil, message: String? = nil, attempt: Int = 0) {
        self.kind = kind
        self.code = code
        self.message = message
        self.attempt = attempt
    }
}

/// How a mirror's node is.
package struct MirrorStatus: Sendable {
    /// What administrators compare.
    package let id: MirrorID
    /// As the operator gave it.
    package let upstreamURL: String
    /// As the upstream calls itself; nil before it was accepted.
    package let upstreamID: String?
    /// How far they are with each other.
    package let upstreamState: UpstreamState
    /// How far this node is.
    package let nodeState: MirrorNodeState
    /// Whether the last question was answered.
    package let isConnected: Bool
    /// This clock minus the upstream's, in milliseconds, at the last registration.
    package let clockOffset: Int64?
    /// Why the last question was not answered; nil when it was.
    package let lastError: String?
    /// The nodes of the mirror, as the upstream sees them.
    package let nodes: [MirrorNode]
    /// How objects come.
    package let fetch: Fetch

    /// How objects come to a mirror.
    package struct Fetch: Sendable, Hashable {
        /// `https` or `ssh`.
        package let transport: String
        /// Over SSH, `host:port` of the upstream; nil while it is not known.
        package let address: String?
        /// Why nothing comes over SSH; nil when it does.
        package let lastError: String?
    }
}

extension MirrorNode {
    /// As it goes to the mirror's nodes.
    package var portable: PortableValue {
        [
            "id": .string(id), "name": .string(name), "address": .string(address),
            "version": .string(version), "state": .string(state.rawValue),
            "clockOffset": .integer(clockOffset), "joinedDate": .integer(joinedMilliseconds),
            "lastSeenDate": .integer(seenMilliseconds), "alive": .bool(isAlive),
        ]
    }

    /// Reads what ``portable`` wrote.
    init?(_ value: PortableValue) {
        guard let id = value["id"]?.stringValue, let name = value["name"]?.stringValue,
            let address = value["address"]?.stringValue, let version = value["version"]?.stringValue,
            let state = value["state"]?.stringValue.flatMap(MirrorNodeState.init(rawValue:)),
            let offset = value["clockOffset"]?.integerValue,
            let joined = value["joinedDate"]?.integerValue,
            let seen = value["lastSeenDate"]?.integerValue, let isAlive = value["alive"]?.boolValue
        else { return nil }
        self.init(
            id: id, name: name, address: address, version: version, state: state, clockOffset: offset,
            joinedMilliseconds: joined, seenMilliseconds: seen, isAlive: isAlive)
    }

    private init(
        id: String, name: String, address: String, version: String, state: MirrorNodeState,
        clockOffset: Int64, joinedMilliseconds: Int64, seenMilliseconds: Int64, isAlive: Bool
    ) {
        self.id = id
        self.name = name
        self.address = address
        self.version = version
        self.state = state
        self.clockOffset = clockOffset
        self.joinedMilliseconds = joinedMilliseconds
        self.seenMilliseconds = seenMilliseconds
        self.isAlive = isAlive
    }
}
