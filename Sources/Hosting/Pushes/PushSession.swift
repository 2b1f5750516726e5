package import GitStore
internal import Logging
internal import Metrics
package import Portable
internal import Synchronization

/// One push by a git client, from the first byte to the released report.
package final class PushSession: Sendable {
    /// How far the push is.
    private enum State {
        /// Git has not asked yet.
        case begun
        /// The guards are being asked.
        case judging
        /// Accepted: git may move these refs.
        case committing([RefChange])
        /// Refused, finished or abandoned.
        case over
    }

    /// Names the push in logs and in the journal.
    package let id: PushID
    /// 256 random bits as hexadecimal digits, good for this push alone.
    package let secret: String
    /// Where the push goes.
    package let repository: Repository
    /// Who pushes.
    package let principal: Principal
    /// `http` or `ssh`, for logs.
    package let transport: String
    private let services: Services
    private let state = Mutex(State.begun)
    /// How the folders looked that git is about to change.
    private let folders = Mutex<FolderStamps?>(nil)

    init(services: Services, repository: Repository, principal: Principal, transport: String) {
        self.services = services
        self.repository = repository
        self.principal = principal
        self.transport = transport
        id = PushID(SecretDigest.randomHex(bytes: 16))
        secret = SecretDigest.randomHex(bytes: 32)
    }

    /// Judges the push before git moves a ref, and writes down what is intended.
    ///
    /// Called once: when git's pre-receive hook calls back, or by who moves the refs in this process. After
    /// `accept` the push is committing: see ``isCommitting``.
    /// - Parameter quarantine: The folder in which the new objects wait.
    package func preReceive(
        changes: [RefChange], quarantine: String?, options: [String]
    ) async -> PushVerdict {
        let isFirst = state.withLock { state in
            guard case .begun = state else { return false }
            state = .judging
            return true
        }
        guard isFirst else { return .refuse(text: "This push was judged already. Push again.") }
        let push = ProposedPush(
            id: id, repository: repository, principal: principal, changes: changes, trigger: .push,
            pushOptions: options, quarantine: quarantine)
        let verdict = await services.judge(push)
        guard verdict == .accept else {
            end()
            count("refused")
            return verdict
        }
        return await intend(changes)
    }

    /// Makes the push durable and writes down that it happened; afterwards the report may be released.
    /// - Parameter report: What git reported; nil when the client asked for no report, and the refs on disk
    ///   tell.
    /// - Parameter isOnDisk: Whether the refs and objects are known to be on the disk already.
    /// - Throws: ``HostingError`` when it cannot be made durable; the report must not be released then.
    package func finish(report: PushReport?, isOnDisk: Bool = false) async throws {
        guard let changes = endCommitting() else { return }
        try await unlessCut { [self] in
            defer { services.sessions.remove(self) }
            do {
                guard let report else { return try await services.journal.settle(id) }
                let accepted = Set(report.unpackError == nil ? report.accepted : [])
                let happened = changes.filter { accepted.contains($0.ref.full) }
                if !happened.isEmpty, !isOnDisk {
                    let folders = folders.withLock { $0 }
                    try await services.onDisk(repository) { git, path in
                        try await git.syncAfterPush(refs: happened.map(\.ref), since: folders, in: path)
                    }
                }
                await services.sessions.waitForEarlier(than: id)
                try await services.journal.confirm(id, repository: repository.id, changes: happened)
                count("finished")
                if !happened.isEmpty { services.housekeeping.notePush(to: repository.id) }
            } catch {
                // Refs have moved and the client is not told; the event must come all the same.
                services.sessions.remove(self)
                services.settlements.add(repository.id)
                throw error
            }
        }
    }

    /// Ends a push whose client has gone, unless it has been accepted already: then it comes to its end.
    package func breakOff() {
        let isOver = state.withLock { state in
            switch state {
            case .begun, .judging:
                state = .over
                return true
            case .committing, .over: return false
            }
        }
        if isOver { services.sessions.remove(self) }
    }

    /// Ends a push whose git process died or never came to an end: what the refs on disk show is confirmed.
    package func abandon() async {
        guard endCommitting() != nil else { return }
        await unlessCut { [self] in
            do {
                try await services.journal.settle(id)
                services.sessions.remove(self)
            } catch {
                services.sessions.remove(self)
                services.settlements.add(repository.id)
            }
            count("abandoned")
        }
    }

    /// Waits if a test holds pushes up here.
    func reach(_ failpoint: Failpoint) async { await failpoint.pass(services.layout) }

    /// Does something with the repository's folder; its errors come out as ``HostingError``.
    func onDisk<Value: Sendable>(_ body: (GitStore, String) async throws -> Value) async throws -> Value {
        try await services.onDisk(repository, body)
    }

    /// Whether git may be moving refs, so that its process is no longer to be killed when the client leaves.
    package var isCommitting: Bool {
        state.withLock { state in
            if case .committing = state { return true }
            return false
        }
    }

    private func intend(_ changes: [RefChange]) async -> PushVerdict {
        // Committing from here on: a client that leaves while the row is written must not kill git after it.
        let goesOn = state.withLock { state in
            guard case .judging = state else { return false }
            state = .committing(changes)
            return true
        }
        guard goesOn else { return .refuse(text: "The push was broken off. Push again.") }
        services.sessions.commit(id, in: repository.id, changes)
        let stamps = services.git.foldersBeforePush(
            refs: changes.map(\.ref), in: services.layout.repository(repository.id))
        folders.withLock { $0 = stamps }
        do {
            try await unlessCut { [self] in
                try await services.journal.intend(
                    id, repository: repository.id, user: principal.user?.id, trigger: .push, changes: changes)
            }
        } catch {
            end()
            let text =
                (error as? HostingError)?.message ?? "The server cannot record the push now. Try again later."
            return .refuse(text: text)
        }
        guard isCommitting else {
            // Abandoned while the row was being written, so nobody else will drop it.
            services.sessions.end(id)
            services.settlements.add(repository.id)
            return .refuse(text: "The push was broken off. Push again.")
        }
        return .accept
    }

    /// Ends the session; its changes if git may have moved refs and the caller is the first to end it.
    ///
    /// The session stays live in the registry then, until the journal has been settled.
    private func endCommitting() -> [RefChange]? {
        let changes: [RefChange]? = state.withLock { state in
            defer { state = .over }
            if case .committing(let changes) = state { return changes }
            return nil
        }
        if changes == nil { services.sessions.remove(self) }
        return changes
    }

    private func end() {
        state.withLock { $0 = .over }
        services.sessions.remove(self)
    }

    private func count(_ outcome: String) {
        Counter(label: "perigee.pushes", dimensions: [("outcome", outcome), ("transport", transport)])
            .increment()
    }
}
