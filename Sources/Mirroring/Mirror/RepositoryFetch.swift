internal import GitStore
internal import Hosting
internal import NIOCore
internal import Portable

/// What a fetch did.
package struct FetchOutcome: Sendable, Hashable {
    /// How many refs were moved; 0 while they are only prepared.
    package var refs = 0
    /// How many bytes of packs came.
    package var bytes: Int64 = 0
    /// Whether what the mirror had was not what the upstream says it had, so that everything was compared.
    package var isSnapshot = false
    /// Whether the refs were left as they are.
    package var hasLeftRefs = false
}

/// Gets what a repository lacks from the upstream, and shows it.
struct RepositoryFetch: Sendable {
    let hosting: Hosting
    let upstream: UpstreamConnection
    /// By which objects come; nil when they come over the connection.
    let ssh: UpstreamSSH?
    /// Told of what has come so far, in bytes, while it comes.
    let progress: @Sendable (Int64) -> Void
    /// What is to be shown together with the farm's other nodes.
    let prepared: PreparedRefs
    /// Whether clients see what this node shows.
    let isServing: @Sendable () -> Bool

    /// A pack may be large and the line slow.
    static let timeout = Duration.seconds(6 * 3600)
    /// More than these haves make no smaller pack.
    static let havesMax = 512

    /// - Throws: ``PeerError``, ``HostingError``, ``GitStoreError``.
    func run(_ work: MirrorWork, in repository: Repository) async throws -> FetchOutcome {
        if leavesRefs(work, in: repository) { return FetchOutcome(hasLeftRefs: true) }
        if work.phase == .prepare { prepared.begin(work) }
        let outcome = try await get(work, in: repository)
        if work.phase == .publish { prepared.end(work) }
        return outcome
    }

    /// Whether there is nothing to show now: only what is known of the repository has changed; or a
    /// comparison has found what the farm's nodes are about to show together.
    private func leavesRefs(_ work: MirrorWork, in repository: Repository) -> Bool {
        if work.kind == .metadata { return repository.state == .available }
        return work.generation == 0 && work.phase == .publish && isServing()
            && prepared.isUnderWay(repository.id)
    }

    private func get(_ work: MirrorWork, in repository: Repository) async throws -> FetchOutcome {
        let path = hosting.layout.repository(repository.id)
        let mirrored = try await hosting.git.mirroredRefs(in: path, pullRequests: true)
        // Who serves nobody may run ahead, and has perhaps.
        let known = work.phase == .publish && isServing() ? prepared.targets(for: work) : nil
        let targets: PreparedRefs.Targets
        if let known {
            targets = known
        } else {
            targets = try await self.targets(of: work, mirrored, repository)
        }
        var outcome = try await bring(targets, mirrored.refs, work, repository, path)
        if work.phase == .prepare { prepared.keep(targets, for: work) }
        outcome.isSnapshot = targets.isAll
        return outcome
    }

    /// Where the refs are to go: as the change says, or as the upstream lists them.
    private func targets(
        of work: MirrorWork, _ mirrored: GitStore.MirroredRefs, _ repository: Repository
    ) async throws -> PreparedRefs.Targets {
        let local = mirrored.refs
        let pulls = mirrored.digests.pulls
        if case .refs(let changes) = work.kind, work.pulls ?? pulls == pulls, isExpected(changes, local) {
            var wanted: [RefName: ObjectID] = [:]
            for change in changes { wanted[change.ref] = change.to }
            let haves = changes.map(\.from).filter { !$0.isZero }
            return PreparedRefs.Targets(
                refs: wanted, isAll: false, haves: haves.isEmpty ? Array(local.values) : haves)
        }
        return PreparedRefs.Targets(
            refs: try await list(repository), isAll: true, haves: Array(Set(local.values)))
    }

    /// Whether the refs are where they were on the upstream before the changes, or where they are to go.
    private func isExpected(_ changes: [RefChange], _ local: [RefName: ObjectID]) -> Bool {
        changes.allSatisfy { change in
            let now = local[change.ref] ?? .zero
            return now == change.from || now == change.to
        }
    }

    /// The upstream's refs.
    private func list(_ repository: Repository) async throws -> [RefName: ObjectID] {
        let answer = try await upstream.call(
            "GET", "mirrorServers/\(upstream.identity.id)/repos/\(repository.id)/refs?pullRequests=true",
            timeout: .seconds(120))
        guard let listed = answer["refs"]?.mapValue else {
            throw PeerError.notUnderstood(url: upstream.baseURL, reason: "it lists no refs")
        }
        var wanted: [RefName: ObjectID] = [:]
        for (name, hash) in listed {
            guard let ref = try? RefName(name), let id = hash.stringValue.flatMap({ ObjectID($0) }) else {
                throw PeerError.notUnderstood(
                    url: upstream.baseURL, reason: "it lists a ref \(name.prefix(100))")
            }
            wanted[ref] = id
        }
        return wanted
    }

    private func bring(
        _ targets: PreparedRefs.Targets, _ local: [RefName: ObjectID], _ work: MirrorWork,
        _ repository: Repository, _ path: String
    ) async throws -> FetchOutcome {
        var outcome = FetchOutcome()
        var wanted = targets.refs
        if targets.isAll { for name in local.keys where wanted[name] == nil { wanted[name] = .zero } }
        let changes = wanted.compactMap { name, target -> RefChange? in
            let now = local[name] ?? .zero
            return now == target ? nil : RefChange(ref: name, from: now, to: target)
        }.sorted { $0.ref.full < $1.ref.full }
        let tips = Set(changes.map(\.to).filter { !$0.isZero })
        let known = Set(try await hosting.git.present(Array(tips), in: path))
        let missing = tips.subtracting(known)
        var quarantine: Quarantine?
        if !missing.isEmpty {
            let (made, bytes) = try await fetch(
                changes.filter { missing.contains($0.to) }, haves: targets.haves, repository, path)
            quarantine = made
            outcome.bytes = bytes
        }
        let shown = work.phase == .publish ? changes : []
        do {
            try await hosting.refs.follow(shown, in: repository, quarantine: quarantine)
        } catch {
            if let quarantine { await hosting.git.discard(quarantine) }
            throw error
        }
        outcome.refs = shown.count
        return outcome
    }

    /// Gets the objects. The pack of a push, which came along with the news or which the upstream may give,
    /// usually is what is missing; if it is not, all that is wanted and not had comes in another one.
    /// - Returns: Where they are, nil when they are in the repository already; and how many bytes came.
    private func fetch(
        _ changes: [RefChange], haves: [ObjectID], _ repository: Repository, _ path: String
    ) async throws -> (Quarantine?, Int64) {
        if let ssh {
            let arrival = try await take(changes, haves: haves, over: ssh, repository, in: path)
            guard try await isComplete(arrival, changes, path) else { throw lacking }
            return (arrival.quarantine, arrival.bytes)
        }
        var bytes: Int64 = 0
        let packs = hosting.pushedPacks.packs(with: changes.tips, having: haves, in: repository.id)
        for pack in packs {
            guard try await hosting.git.indexSmallPack(pack.bytes, in: path) else { break }
            bytes += Int64(pack.bytes.readableBytes)
        }
        if !packs.isEmpty, try await hasAll(changes, nil, path) { return (nil, bytes) }
        for mustBeComplete in [false, true] {
            let answer = try await ask(changes, haves: haves, isComplete: mustBeComplete, repository)
            let isLast = mustBeComplete || !answer.isOfPush
            let arrival = try await take(answer, in: path, isLast: isLast)
            bytes += arrival.bytes
            if try await isComplete(arrival, changes, path) { return (arrival.quarantine, bytes) }
            if isLast { break }
        }
        throw lacking
    }

    private var lacking: PeerError {
        .notUnderstood(url: upstream.baseURL, reason: "its pack lacks an object that was asked for")
    }

    private func ask(
        _ changes: [RefChange], haves: [ObjectID], isComplete: Bool, _ repository: Repository
    ) async throws -> PeerAnswer {
        let body: PortableValue = [
            "wants": .list(changes.tips.map(\.hex).sorted().map { .string($0) }),
            "haves": .list(haves.prefix(Self.havesMax).map(\.hex).sorted().map { .string($0) }),
            "complete": .bool(isComplete),
        ]
        return try await upstream.stream(
            "POST", "mirrorServers/\(upstream.identity.id)/repos/\(repository.id)/pack", body: body,
            timeout: Self.timeout)
    }

    /// A pack that has come.
    struct Arrival {
        /// Whether it was sound.
        var isTaken: Bool
        var bytes: Int64
        /// Where its objects are; nil when they are in the repository already.
        var quarantine: Quarantine?
    }

    /// Checks and indexes a pack: a small one by itself, others with git.
    private func take(_ answer: PeerAnswer, in path: String, isLast: Bool) async throws -> Arrival {
        var pieces = answer.pieces()
        var first = ByteBuffer()
        while first.readableBytes <= GitStore.smallPackMax, let piece = try await pieces.next() {
            first.writeImmutableBuffer(piece)
            progress(Int64(first.readableBytes))
        }
        if let failure = PackFailure(first) { throw failure }
        if try await hosting.git.indexSmallPack(first, in: path) {
            return Arrival(isTaken: true, bytes: Int64(first.readableBytes))
        }
        return try await index(in: path, isLast: isLast) { [first] write in
            guard await write(first) else { return }
            while let piece = try await pieces.next() {
                guard await write(piece) else { return }
            }
        }
    }

    /// Lets git check and index a pack where nobody sees it.
    /// - Parameter isLast: Whether git's complaint is thrown; else it is enough to know that there is one.
    /// - Parameter feed: Gives the pack, in parts, to a function that says whether git takes more.
    func index(
        in path: String, isLast: Bool,
        _ feed: (_ write: (ByteBuffer) async -> Bool) async throws -> Void
    ) async throws -> Arrival {
        let quarantine = try await hosting.git.makeQuarantine(in: path)
        do {
            let process = try hosting.git.indexPack(into: quarantine, maxInputBytes: nil)
            let bytes = try await process.run { process in
                var bytes: Int64 = 0
                try await feed { part in
                    bytes += Int64(part.readableBytes)
                    progress(bytes)
                    return await process.write(part)
                }
                return bytes
            }
            let status = await process.waitForExit()
            guard status.isSuccess || !isLast else { throw process.failure(status) }
            return Arrival(isTaken: status.isSuccess, bytes: bytes, quarantine: quarantine)
        } catch {
            await hosting.git.discard(quarantine)
            throw error
        }
    }

    /// Whether all that was wanted has come; if not, the rest of it goes.
    private func isComplete(
        _ arrival: Arrival, _ changes: [RefChange], _ path: String
    ) async throws -> Bool {
        do {
            if arrival.isTaken, try await hasAll(changes, arrival.quarantine, path) { return true }
        } catch {
            if let quarantine = arrival.quarantine { await hosting.git.discard(quarantine) }
            throw error
        }
        if let quarantine = arrival.quarantine { await hosting.git.discard(quarantine) }
        return false
    }

    private func hasAll(
        _ changes: [RefChange], _ quarantine: Quarantine?, _ path: String
    ) async throws -> Bool {
        try await hosting.git.objections(
            to: changes.map { RefUpdate(name: $0.ref, old: $0.from, new: $0.to) }, quarantine: quarantine,
            in: path
        ).isEmpty
    }
}

extension PeerAnswer {
    /// Whether the pack is that of a push.
    fileprivate var isOfPush: Bool {
        headers.contains { $0.name.lowercased() == MirrorPacks.sourceHeader && $0.value == "pushed" }
    }
}
