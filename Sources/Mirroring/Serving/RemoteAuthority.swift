package import Hosting
package import Portable
internal import Synchronization

/// Asks the upstream who a mirror's callers are and what they may do, and remembers it for a while.
package final class RemoteAuthority: AccessAuthority {
    /// How long answers serve.
    package struct Times: Sendable {
        /// One that gives rights.
        package var rights = Duration.seconds(60)
        /// One that refuses the credentials.
        package var refusal = Duration.seconds(3)
        /// One that gives rights, for reading, while the upstream cannot be asked.
        package var offline = Duration.seconds(600)
        /// After the upstream could not be asked, it is not asked again so soon where an answer is known.
        package var rest = Duration.seconds(5)

        /// The times that are used unless said otherwise.
        package init() {}
    }

    /// Asks the upstream, for so long at most.
    /// - Throws: ``HostingError/authenticationFailed``, ``PeerError``.
    package typealias Ask =
        @Sendable (RemoteCredentials, RepositoryID?, Duration) async throws -> RemoteRights

    private struct Question: Hashable {
        let credentials: RemoteCredentials
        let repository: RepositoryID?
    }

    private struct Known {
        /// nil when the credentials were refused.
        let rights: RemoteRights?
        let since: ContinuousClock.Instant

        var answer: RemoteRights {
            get throws {
                guard let rights else { throw HostingError.authenticationFailed }
                return rights
            }
        }
    }

    private struct State {
        var known: [Question: Known] = [:]
        /// Who has shown what, for logs; who may do what is not in it.
        var users: [RemoteCredentials: User] = [:]
        var asking: [Question: Task<RemoteRights, any Error>] = [:]
        /// Grows with each ``forgetAll()``: what was asked before it is not remembered after it.
        var generation: UInt64 = 0
        var awaySince: ContinuousClock.Instant?

        /// Who somebody is does not change with what may be done.
        mutating func name(
            _ credentials: RemoteCredentials, _ outcome: Result<RemoteRights, any Error>, _ countMax: Int
        ) {
            if users.count >= countMax { users = [:] }
            switch outcome {
            case .success(let rights): users[credentials] = rights.user
            case .failure(HostingError.authenticationFailed): users[credentials] = nil
            case .failure: break
            }
        }
    }

    /// How long the upstream has for an answer, where none is known and where one is.
    private static let patience = (first: Duration.seconds(10), again: Duration.seconds(3))

    private let times: Times
    private let countMax: Int
    private let ask: Ask
    private let state = Mutex(State())

    /// - Parameter countMax: How many answers are remembered.
    package init(times: Times = Times(), countMax: Int = 20_000, ask: @escaping Ask) {
        self.times = times
        self.countMax = max(1, countMax)
        self.ask = ask
    }

    /// Somebody may do less than before: everything is asked anew.
    package func forgetAll() {
        state.withLock { state in
            state.generation &+= 1
            state.known = [:]
            state.asking = [:]
        }
    }

    /// Whom the upstream has named last for the credentials.
    package func rememberedUser(of credentials: RemoteCredentials) -> User? {
        state.withLock { $0.users[credentials] }
    }

    /// As the upstream says, or has said.
    package func rights(
        of credentials: RemoteCredentials, on repository: RepositoryID?, isChange: Bool
    ) async throws -> RemoteRights {
        let question = Question(credentials: credentials, repository: repository)
        do {
            if isChange { return try await settle(question, state.withLock { $0.generation }) }
            switch next(question) {
            case .known(let known): return try known.answer
            case .asked(let task): return try await task.value
            }
        } catch let error as PeerError {
            if !isChange, error.isPassing, let known = remembered(question), let rights = known.rights {
                return rights
            }
            throw HostingError.unavailable(reason: "the upstream, which knows who may do what, \(error)")
        }
    }

    private enum Next {
        case known(Known)
        case asked(Task<RemoteRights, any Error>)
    }

    /// What is known, or who is asking already.
    private func next(_ question: Question) -> Next {
        let now = ContinuousClock.now
        return state.withLock { state in
            if let known = state.known[question] {
                let age = known.since.duration(to: now)
                let isAway = state.awaySince.map { $0.duration(to: now) < times.rest } ?? false
                let limit =
                    known.rights == nil ? times.refusal : isAway ? times.offline : times.rights
                if age < limit { return .known(known) }
            }
            if let task = state.asking[question] { return .asked(task) }
            let generation = state.generation
            let task = Task { try await settle(question, generation) }
            state.asking[question] = task
            return .asked(task)
        }
    }

    /// Asks, and takes note of the answer unless everything was forgotten meanwhile.
    private func settle(_ question: Question, _ generation: UInt64) async throws -> RemoteRights {
        let patience = remembered(question) == nil ? Self.patience.first : Self.patience.again
        let outcome: Result<RemoteRights, any Error>
        do {
            outcome = .success(try await ask(question.credentials, question.repository, patience))
        } catch {
            outcome = .failure(error)
        }
        let now = ContinuousClock.now
        state.withLock { state in
            let isPassing = (outcome.failure as? PeerError)?.isPassing ?? false
            state.awaySince = isPassing ? now : nil
            state.name(question.credentials, outcome, countMax)
            guard state.generation == generation else { return }
            state.asking[question] = nil
            switch outcome {
            case .success(let rights): note(question, Known(rights: rights, since: now), &state)
            case .failure(HostingError.authenticationFailed):
                note(question, Known(rights: nil, since: now), &state)
            case .failure: if !isPassing { state.known[question] = nil }
            }
        }
        return try outcome.get()
    }

    private func note(_ question: Question, _ known: Known, _ state: inout State) {
        if state.known.count >= countMax, state.known[question] == nil {
            let now = known.since
            state.known = state.known.filter {
                $0.value.since.duration(to: now) < ($0.value.rights == nil ? times.refusal : times.rights)
            }
            if state.known.count >= countMax { state.known = [:] }
        }
        state.known[question] = known
    }

    /// What may still be said while the upstream cannot be asked.
    private func remembered(_ question: Question) -> Known? {
        let now = ContinuousClock.now
        return state.withLock { state in
            state.known[question].flatMap { $0.since.duration(to: now) < times.offline ? $0 : nil }
        }
    }
}

extension Result {
    fileprivate var failure: Failure? {
        if case .failure(let error) = self { return error }
        return nil
    }
}
