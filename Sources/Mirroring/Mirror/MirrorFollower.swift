internal import FoundationEssentials
internal import GitStore
package import Hosting
package import Logging
package import NIOCore
package import Portable
package import SharedDatabase
internal import Synchronization

/// A node of a mirror: keeps a question open at the upstream, and gets what it is told to.
///
/// When to ask again after a failure, what to do with what is new, and when all is there is said by who
/// drives it: see ``follow(_:)``.
package final class MirrorFollower: Sendable {
    /// What the upstream said of itself.
    struct Upstream: Sendable {
        var id: String
        var publicKey: [UInt8]
    }

    private struct State {
        var upstreamState = UpstreamState.initializing
        var upstream: Upstream?
        var node = MirrorNodeState.bootstrapped
        var cursor: Int64?
        var catalogue: String?
        var rights: String?
        var clockOffset: Int64?
        var lastContact: ContinuousClock.Instant?
        /// When the last question was asked that was answered.
        var lastQuestion: ContinuousClock.Instant?
        /// When the fellows gave no reason to leave last.
        var lastWatch: ContinuousClock.Instant?
        var lastError: String?
        var isRefusedForClock = false
        var nodes: [MirrorNode] = []
        var isConnected = false
        /// Where this node's fellows find it.
        var address: String
    }

    /// Who this mirror is.
    package let identity: FarmIdentity
    /// What it was told to be.
    package let settings: MirrorSettings
    /// This node.
    package let node: NodeID
    let hosting: Hosting
    let tables: MirrorDatabase
    let connection: UpstreamConnection
    /// By which objects come; nil when they come over the connection.
    let ssh: UpstreamSSH?
    /// What is still to be got.
    package let backlog = SyncBacklog()
    let logger: Logger
    let fetching = RunningFetches()
    let prepared = PreparedRefs()
    /// To the farm's other nodes: who is not there is not called again and again.
    let fellows: PeerClient
    private let state: Mutex<State>
    /// The question that is open.
    private let question = Mutex<Task<LinkReply, any Error>?>(nil)
    private let rightsChanged = Mutex<[@Sendable () -> Void]>([])

    /// - Throws: ``FarmIdentityError``, ``PeerError`` when the file of authorities cannot be used.
    package init(
        settings: MirrorSettings, hosting: Hosting, database: SharedDatabase, node: NodeID,
        eventLoopGroup: any EventLoopGroup, logger: Logger
    ) throws {
        self.settings = settings
        self.hosting = hosting
        self.node = node
        self.logger = logger
        state = Mutex(State(address: settings.baseURL))
        tables = MirrorDatabase(database: database)
        identity = try FarmIdentity.load(given: settings.farmSecret, file: settings.secretFile)
        fellows = try PeerClient(
            eventLoopGroup: eventLoopGroup, certificateAuthorities: settings.certificateAuthorities,
            isPersistent: false)
        let connection = UpstreamConnection(
            client: try PeerClient(
                eventLoopGroup: eventLoopGroup, certificateAuthorities: settings.certificateAuthorities),
            baseURL: settings.upstreamURL, identity: identity, node: node)
        self.connection = connection
        ssh = settings.ssh.map { UpstreamSSH(connection: connection, settings: $0) }
    }

    /// Ends the connections.
    package func shutdown() async {
        await connection.client.shutdown()
        await fellows.shutdown()
    }

    /// Who follows says what to do.
    package struct Driver: Sendable {
        /// A change has to be got; returns once it is taken in charge.
        package var work: @Sendable (MirrorWork) async -> Void
        /// Something happened to the link; says how long to rest before the next question, where there is a
        /// reason to rest.
        package var link: @Sendable (LinkEvent) async -> Duration?

        /// Both functions.
        package init(
            work: @escaping @Sendable (MirrorWork) async -> Void,
            link: @escaping @Sendable (LinkEvent) async -> Duration?
        ) {
            self.work = work
            self.link = link
        }
    }

    /// Asks to be accepted, and then asks what is new, until the task is cancelled.
    package func follow(_ driver: Driver) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.watchFellows() }
            await ask(driver)
            group.cancelAll()
        }
    }

    private func ask(_ driver: Driver) async {
        var attempt = 0
        while !Task.isCancelled {
            do {
                if state.withLock({ $0.upstreamState }) != .installed {
                    let answer = try await register()
                    guard answer == .accepted else {
                        attempt += 1
                        noteFailure("the upstream's administrators have to decide", connected: true)
                        await rest(
                            driver, LinkEvent(answer == .pending ? .pending : .rejected, attempt: attempt))
                        continue
                    }
                }
                guard let reply = try await askUntilNews() else { continue }
                attempt = 0
                await take(reply, driver)
            } catch is CancellationError {
                return
            } catch {
                attempt += 1
                await fail(error, attempt: attempt, driver)
            }
        }
    }

    private func take(_ reply: LinkReply, _ driver: Driver) async {
        let (event, hasRights) = state.withLock { state -> (LinkEvent.Kind?, Bool) in
            let isNew = !state.isConnected || state.cursor == nil
            let hasCatalogue = state.catalogue != reply.catalogue
            let hasRights = state.rights != reply.rights
            state.isConnected = true
            state.lastError = nil
            state.isRefusedForClock = false
            // An answer may have lain here for long: it was given when the question was over.
            state.lastContact = min(.now, reply.asked + MirrorLinks.waitMax + .milliseconds(500))
            state.lastQuestion = reply.asked
            state.cursor = reply.cursor
            state.nodes = reply.nodes
            state.rights = reply.rights
            state.catalogue = reply.catalogue
            if reply.isBehind { state.node = .behind }
            // Who was behind before the link broke compares before it serves, as who is told so now.
            let isBehind = reply.isBehind || (isNew && state.node == .behind)
            return (isBehind ? .behind : isNew ? .connected : hasCatalogue ? .catalogue : nil, hasRights)
        }
        if reply.isBehind { prepared.forgetAll() }
        if hasRights { for action in rightsChanged.withLock({ $0 }) { action() } }
        if let event { _ = await driver.link(LinkEvent(event)) }
        for work in reply.work {
            backlog.note(work.repository, isSnapshot: work.kind.isSnapshot)
            await driver.work(work)
        }
    }

    private func fail(_ error: any Error, attempt: Int, _ driver: Driver) async {
        let peer = error as? PeerError
        if case .refused(401, _, let code)? = peer, code != "clock" {
            // Removed there, or not accepted any more: ask again to be told which.
            noteRemoved()
        }
        noteFailure("\(error)", connected: false)
        state.withLock { $0.isRefusedForClock = peer?.code == "clock" }
        await rest(
            driver, LinkEvent(.failed, code: peer?.code ?? "error", message: "\(error)", attempt: attempt))
    }

    /// What the upstream has told so far means nothing to it when it accepts this mirror anew.
    private func noteRemoved() {
        fallBehind()
        state.withLock { state in
            if state.upstreamState == .installed { state.upstreamState = .removed }
            (state.cursor, state.catalogue, state.rights) = (nil, nil, nil)
        }
    }

    private func noteFailure(_ text: String, connected: Bool) {
        state.withLock { state in
            state.isConnected = false
            state.lastError = text
        }
    }

    private func rest(_ driver: Driver, _ event: LinkEvent) async {
        let delay = await driver.link(event) ?? .seconds(5)
        try? await Task.sleep(for: max(.milliseconds(100), delay))
    }

    /// Asks the upstream to accept this mirror, or whether it has.
    /// - Throws: ``PeerError``.
    package func register() async throws -> MirrorState {
        let answer = try await connection.call(
            "POST", "requests",
            body: [
                "mirrorId": .string(identity.id.rawValue), "mirrorName": .string(settings.name),
                "mirrorBaseUrl": .string(settings.baseURL), "mirrorType": "FARM",
                "productVersion": .string(settings.version), "productType": "Perigee",
                "publicKey": .string(identity.key.publicKey.base64URL),
                "sshKey": .string(identity.sshPublicKey),
            ])
        guard let state = answer["state"]?.stringValue.flatMap(MirrorState.init(rawValue:)) else {
            throw PeerError.notUnderstood(
                url: settings.upstreamURL, reason: "it does not say whether the mirror is accepted")
        }
        let serverTime = answer["serverTime"]?.integerValue
        let upstream = answer["upstream"]?["id"]?.stringValue.flatMap { id -> Upstream? in
            guard let key = answer["upstream"]?["publicKey"]?.stringValue.flatMap({ [UInt8](base64URL: $0) })
            else { return nil }
            return Upstream(id: id, publicKey: key)
        }
        self.state.withLock { mine in
            mine.clockOffset = serverTime.map { Clock.now - $0 }
            if let upstream { mine.upstream = upstream }
            mine.upstreamState =
                switch state {
                case .accepted: .installed
                case .pending: .pending
                case .rejected: mine.upstreamState == .removed ? .removed : .pending
                }
        }
        return state
    }

    private struct LinkReply {
        /// When the question was asked.
        var asked: ContinuousClock.Instant
        var cursor: Int64
        var work: [MirrorWork]
        var isBehind: Bool
        var catalogue: String?
        var rights: String?
        var nodes: [MirrorNode]
    }

    /// Asks what is new.
    /// - Returns: nil when there is something new to say before there is an answer: what an answer would have
    ///   told is told again, as the next question says what this node knows.
    private func askUntilNews() async throws -> LinkReply? {
        let said = state.withLock { $0.node }
        let task = Task { try await ask(as: said) }
        question.withLock { $0 = task }
        defer { question.withLock { $0 = nil } }
        if state.withLock({ $0.node }) != said { task.cancel() }
        do {
            return try await withTaskCancellationHandler {
                try await task.value
            } onCancel: {
                task.cancel()
            }
        } catch {
            try Task.checkCancellation()
            guard task.isCancelled else { throw error }
            return nil
        }
    }

    private func ask(as node: MirrorNodeState) async throws -> LinkReply {
        let known = state.withLock { ($0.cursor, $0.catalogue, $0.rights, $0.address) }
        let inventory = await inventory(isFirst: state.withLock { !$0.isConnected })
        let asked = ContinuousClock.now
        let answer = try await connection.call(
            "POST", "mirrorServers/\(identity.id)/link",
            body: [
                "facts": .map(facts(inventory)),
                "cursor": .optional(known.0), "state": .string(node.rawValue),
                "name": .string(settings.nodeName), "address": .string(known.3),
                "version": .string(settings.version), "catalogue": .optional(known.1),
                "rights": .optional(known.2),
            ], timeout: .seconds(15))
        if let inventory { backlog.noteTold(inventory.version) }
        guard let cursor = answer["cursor"]?.integerValue, let items = answer["work"]?.listValue else {
            throw PeerError.notUnderstood(url: settings.upstreamURL, reason: "it tells of no work")
        }
        let work = items.compactMap { MirrorWork($0) }
        guard work.count == items.count else {
            throw PeerError.notUnderstood(url: settings.upstreamURL, reason: "it tells of work that is none")
        }
        for (item, work) in zip(items, work) { keepPacks(of: item, for: work) }
        return LinkReply(
            asked: asked, cursor: cursor, work: work, isBehind: answer["behind"]?.boolValue ?? false,
            catalogue: answer["catalogue"]?.stringValue, rights: answer["rights"]?.stringValue,
            nodes: (answer["nodes"]?.listValue ?? []).compactMap { MirrorNode($0) })
    }

    /// Keeps the packs that came along with the news of pushes until they are fetched, in memory: what is
    /// lost can be asked for.
    private func keepPacks(of item: PortableValue, for work: MirrorWork) {
        for value in item["packs"]?.listValue ?? [] {
            guard let pack = PushedPack(value) else { continue }
            hosting.pushedPacks.keep(pack, in: work.repository)
        }
    }

    /// By which the upstream signs; nil before it has accepted this mirror.
    var upstreamKey: [UInt8]? { state.withLock { $0.upstream?.publicKey } }

    /// How long ago the upstream answered last; nil when it never has.
    var sinceContact: Duration? { state.withLock { $0.lastContact.map { .now - $0 } } }
    /// How long ago it was asked what it has answered last: since then the lease runs, at least.
    var sinceQuestion: Duration? { state.withLock { $0.lastQuestion.map { .now - $0 } } }

    /// How long ago the fellows gave no reason to leave.
    var sinceWatch: Duration? { state.withLock { $0.lastWatch.map { .now - $0 } } }
    /// The fellows give no reason to leave.
    func noteWatch() { state.withLock { $0.lastWatch = .now } }

    /// Whether the upstream's last answer was that this node's clock is not its own.
    var isRefusedForClock: Bool { state.withLock { $0.isRefusedForClock } }

    /// Says that the others no longer wait for this node.
    func fallBehind() {
        prepared.forgetAll()
        state.withLock { state in
            guard state.node == .synchronized else { return }
            state.node = .behind
            // Whatever is missed from here on is found by the comparison at the next contact.
            state.cursor = nil
        }
    }

    /// Calls a function when the upstream says that somebody may do less than before.
    package func onRightsChange(_ action: @escaping @Sendable () -> Void) {
        rightsChanged.withLock { $0.append(action) }
    }

    /// Says where this node's fellows find it.
    package func announce(address: String) { state.withLock { $0.address = address } }

    /// Says how far this node is; the upstream hears it at once.
    package func setNodeState(_ new: MirrorNodeState) {
        let isNews = state.withLock { state in
            defer { state.node = new }
            return state.node != new
        }
        guard isNews else { return }
        question.withLock { $0 }?.cancel()
    }

    /// How things are.
    package var status: MirrorStatus {
        let way = ssh?.status
        let fetch = MirrorStatus.Fetch(
            transport: ssh == nil ? "https" : "ssh", address: way?.address, lastError: way?.lastError)
        return state.withLock { state in
            MirrorStatus(
                id: identity.id, upstreamURL: settings.upstreamURL, upstreamID: state.upstream?.id,
                upstreamState: state.upstreamState, nodeState: state.node, isConnected: state.isConnected,
                clockOffset: state.clockOffset, lastError: state.lastError, nodes: state.nodes,
                fetch: fetch)
        }
    }
}
