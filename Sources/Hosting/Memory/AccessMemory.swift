internal import Portable
internal import SharedDatabase

/// What is remembered of who callers are and what they may read. The database is asked each time; only while
/// it does not answer is the memory used, and never for changes.
struct AccessMemory: Sendable {
    /// An address, asked for by somebody.
    struct Address: Hashable {
        let projectKey: String
        let slug: String
        let user: UserID?
        let token: TokenGrant?
        let isLocalOperator: Bool
    }

    /// A key of SSH, used for an address.
    struct KeyUse: Hashable {
        let key: SSHKeyID
        let projectKey: String
        let slug: String
    }

    /// Users with their stored passwords, by what they call themselves.
    let users = RememberedAnswers<String, NamedUser>()
    /// Tokens by the hash of their secret, with the database's time of then.
    let tokens = RememberedAnswers<String, TimedToken>()
    /// Who may do what with the repository of an address.
    let accesses = RememberedAnswers<Address, RepositoryAccess>()
    /// Usable keys of SSH by their fingerprint.
    let keys = RememberedAnswers<String, SSHKey>()
    /// As whom the holder of a key acts.
    let keyUses = RememberedAnswers<KeyUse, Principal>()

    /// A user with the stored password.
    struct NamedUser: Sendable {
        let user: User
        let passwordHash: String?
    }

    /// A token, and what time it was.
    struct TimedToken: Sendable {
        let token: AccessToken
        let now: Int64
    }

    /// Users, permissions, repositories, tokens or keys have changed on this node.
    func forgetAll() {
        users.forgetAll()
        tokens.forgetAll()
        accesses.forgetAll()
        keys.forgetAll()
        keyUses.forgetAll()
    }
}

extension Services {
    /// Asks the database; while that does not answer, says again what it said within the last minute.
    /// - Parameter age: How long ago it was said; `nil` for an answer of now.
    func recalling<Question, Answer: Sendable>(
        _ memory: RememberedAnswers<Question, Answer>, _ question: Question,
        _ body: @escaping @Sendable (DatabaseTransaction) throws -> Answer?
    ) async throws -> (answer: Answer?, age: Duration?) {
        // Known to be away: it would take seconds to find that out once more.
        if case .unreachable = database.health, let known = memory.recall(question) {
            return (known.answer, known.age)
        }
        let generation = memory.generation
        do {
            let answer = try await lookUp(body)
            memory.note(question, answer, generation: generation)
            return (answer, nil)
        } catch HostingError.unavailable(let reason) {
            guard let known = memory.recall(question) else {
                throw HostingError.unavailable(reason: reason)
            }
            return (known.answer, known.age)
        }
    }
}
