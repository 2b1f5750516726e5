/// What a client has shown so far to log in.
struct SSHLogin {
    /// The login name of every client, as in `git@host`: who it is, its key tells.
    static let name = "git"
    /// Longer than an answer of the database is waited for: after that comes what was known
    /// before it fell silent.
    private static let lookUpLimit = Duration.seconds(10)

    private var offers = 0
    private var last: (key: SSHShownKey, visitor: SSHVisitor?)?
    /// Why the client is sent away; nil while it may go on.
    private(set) var complaint: String?

    /// Whose key this is; asked once for a key that is offered again at once. Blocks.
    /// - Parameter limit: How many different keys are looked at.
    mutating func visitor(
        name: String, key: SSHShownKey, limit: Int, door: any SSHDoor
    ) -> SSHVisitor? {
        // A key is offered once to ask, and once more with a signature.
        if let last, last.key == key { return name == Self.name ? last.visitor : nil }
        offers += 1
        guard offers <= limit else {
            complaint = "too many keys were offered"
            return nil
        }
        guard name == Self.name else {
            last = (key, nil)
            return nil
        }
        let answer = SSHBlockingAnswer.wait(atMost: Self.lookUpLimit) {
            await Result { try await door.visitor(key) }
        }
        guard case .success(let visitor)? = answer else {
            complaint = "the server cannot look up keys now"
            return nil
        }
        last = (key, visitor)
        return visitor
    }
}

extension Result where Failure == any Error {
    /// What the work comes to.
    fileprivate init(_ work: () async throws -> Success) async {
        do { self = .success(try await work()) } catch { self = .failure(error) }
    }
}
