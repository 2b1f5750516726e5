package import Portable

/// A push of a repository's refs to a foreign one.
package struct RemotePush: Sendable {
    /// Where to.
    package var address: RemoteAddress
    /// What its name leads to, checked; nothing else is connected to.
    package var resolved: [NetworkAddress]
    /// How to log in there.
    package var login = RemoteLogin()
    /// Which refs.
    package var refs = RefSelection.usual
    /// Refs that are to be deleted there, where they are meant by ``refs`` and not here.
    package var deleted: [RefName] = []
    /// Whether everything that is meant and not here is deleted there. Nothing is while no such ref is here.
    package var prune = false
    /// Whether refs there may lose commits.
    package var force = true
    /// Whether to find out only.
    package var isDryRun = false
    /// How long it may take.
    package var timeout: Duration = .seconds(600)

    /// A push of all branches and tags.
    package init(to address: RemoteAddress, resolved: [NetworkAddress]) {
        self.address = address
        self.resolved = resolved
    }
}

/// What became of a push to a foreign repository.
package struct RemotePushReport: Sendable, Hashable {
    /// How it ended.
    package enum Outcome: String, Sendable, Hashable, CaseIterable {
        /// The remote has what it should have.
        case pushed
        /// The remote did not take some refs; the others it may have.
        case rejected
        /// The credentials are not accepted, or may not do that.
        case unauthorized
        /// There is no such repository for these credentials.
        case notFound = "not_found"
        /// The remote is elsewhere; redirects are not followed.
        case redirected
        /// No connection, or it broke.
        case unreachable
        /// The remote's certificate or host key is not the one expected.
        case untrusted
        /// It took too long.
        case timeout
        /// Anything else.
        case failed
    }

    /// What happened to one ref there.
    package struct Ref: Sendable, Hashable {
        /// In a word.
        package enum Change: String, Sendable, Hashable, CaseIterable {
            case created
            case updated
            case forced
            case deleted
            case rejected
        }

        /// Its full name.
        package var name: String
        /// What happened.
        package var change: Change
        /// What it was before; nil when the remote does not say.
        package var from: ObjectID?
        /// What it is now.
        package var to: ObjectID?
        /// Why it was rejected.
        package var reason: String?
        /// Whether it was at an object that this server does not have: somebody else pushed there.
        package var isForeign = false
    }

    /// How it ended.
    package var outcome: Outcome
    /// The fact for people; nil when it went well.
    package var message: String?
    /// What the remote said, without control characters and credentials, 2,000 bytes at most.
    package var said = ""
    /// What happened to refs that are not as before.
    package var refs: [Ref] = []
    /// How many refs were as they should be.
    package var unchanged = 0

    /// Nothing happened to any ref.
    package init(outcome: Outcome, message: String? = nil) {
        self.outcome = outcome
        self.message = message
    }
}
