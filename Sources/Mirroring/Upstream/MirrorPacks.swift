internal import Crypto
internal import GitStore
package import Hosting
internal import Metrics
package import NIOCore
package import Portable
internal import Synchronization

/// Packs for mirrors. Small ones are kept for a while, and one that is being made is not made twice: ten
/// mirrors that follow the same push cost one computation.
package final class MirrorPacks: Sendable {
    private enum Entry {
        case making([CheckedContinuation<ByteBuffer?, Never>])
        case made(ByteBuffer, at: ContinuousClock.Instant)
        /// After its beginning had gone out.
        case failed(PackFailure, at: ContinuousClock.Instant)
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var bytes = 0
    }

    private enum Claim {
        case mine
        case made(ByteBuffer)
        case failed(PackFailure)
        case others
    }

    /// The header of an answer whose pack is that of a push, with the value `pushed`.
    package static let sourceHeader = "perigee-pack"

    private let hosting: Hosting
    /// How many packs are made at a time; those for people are counted apart.
    private let tickets: HostingTickets
    private let state = Mutex(State())

    /// The largest pack that is kept, and how much of all of them, in bytes.
    private static let keptMax = 4 * 1024 * 1024
    private static let allKeptMax = 64 * 1024 * 1024
    /// How much goes along with the news of a repository, and with one answer, in bytes.
    private static let alongMax = 32 * 1024
    private static let alongBytesMax = 512 * 1024
    private static let keptFor = Duration.seconds(30)
    /// For so long a mirror that asks again is told of a failure instead of being cut off once more.
    private static let failureKeptFor = Duration.seconds(10)

    init(hosting: Hosting, limit: Int) {
        self.hosting = hosting
        tickets = HostingTickets(
            limit: limit, queueMax: 10_000, timeout: .seconds(120), metric: "perigee.mirror.tickets")
    }

    /// Insists that something wanted is here.
    /// - Throws: ``HostingError/noSuchCommit(revision:)``.
    package func require(_ wants: [ObjectID], of repository: Repository) async throws {
        let there = Set(try await present(wants, in: hosting.layout.repository(repository.id)))
        if let missing = wants.first(where: { !there.contains($0) }) {
            throw HostingError.noSuchCommit(revision: missing.hex)
        }
    }

    /// Writes a pack of what is wanted to a mirror that has the rest.
    /// - Parameter haves: Those that are not here do not matter.
    /// - Throws: ``HostingError/noSuchCommit(revision:)`` when something wanted is not here, before anything
    ///   is written; what `body` throws.
    package func write(
        wants: [ObjectID], haves: [ObjectID], of repository: Repository,
        to body: (ByteBuffer) async throws -> Void
    ) async throws {
        let path = hosting.layout.repository(repository.id)
        let (wants, haves) = (Set(wants).sorted { $0.hex < $1.hex }, Set(haves).sorted { $0.hex < $1.hex })
        let there = Set(try await present(wants + haves, in: path))
        if let missing = wants.first(where: { !there.contains($0) }) {
            throw HostingError.noSuchCommit(revision: missing.hex)
        }
        let known = haves.filter(there.contains)
        let key = Self.key(repository.id, wants, known)
        switch claim(key) {
        case .made(let pack): return try await serve(pack, to: body)
        case .failed(let failure): throw failure
        case .others:
            if let pack = await wait(key) { return try await serve(pack, to: body) }
            _ = try await make(wants, known, in: path, keeping: false, to: body)
        case .mine:
            do {
                settle(key, try await make(wants, known, in: path, keeping: true, to: body))
            } catch {
                settle(key, nil, error as? PackFailure)
                throw error
            }
        }
    }

    /// The pack of a push that brought just what is wanted to who has what the push built upon; nil when
    /// there is none. It may lack what the mirror does not have, see ``PushedPacks``.
    package func pushed(wants: [ObjectID], haves: [ObjectID], of repository: Repository) -> ByteBuffer? {
        let packs = hosting.pushedPacks.packs(with: wants, having: haves, in: repository.id)
        guard packs.count == 1 else { return nil }
        Self.count("pushed")
        return packs[0].bytes
    }

    /// What a node is to do, as it goes to it, with the packs of small pushes, which it need not ask for.
    package func alongWork(of reply: MirrorLinks.Reply) -> [PortableValue] {
        var rest = Self.alongBytesMax
        // What several nodes are to show they have prepared before.
        let hasPrepared = reply.nodes.count > 1
        return reply.work.map { item in
            guard case .refs(let changes) = item.kind, item.phase == .prepare || !hasPrepared,
                case .map(var fields) = item.portable
            else { return item.portable }
            let haves = changes.map(\.from)
            let packs = hosting.pushedPacks.packs(with: changes.tips, having: haves, in: item.repository)
            let size = packs.reduce(0) { $0 + $1.bytes.readableBytes }
            guard !packs.isEmpty, size <= min(rest, Self.alongMax) else { return item.portable }
            rest -= size
            Self.count("along")
            fields["packs"] = .list(packs.map(\.portable))
            return .map(fields)
        }
    }

    private static func count(_ source: String) {
        Counter(label: "perigee.mirror.packs", dimensions: [("source", source)]).increment()
    }

    private func present(_ ids: [ObjectID], in path: String) async throws -> [ObjectID] {
        do {
            return try await hosting.git.present(ids, in: path)
        } catch let error as GitStoreError {
            throw HostingError.unavailable(reason: "\(error)")
        }
    }

    private func serve(_ pack: ByteBuffer, to body: (ByteBuffer) async throws -> Void) async throws {
        Self.count("kept")
        try await body(pack)
    }

    private func make(
        _ wants: [ObjectID], _ haves: [ObjectID], in path: String, keeping: Bool,
        to body: (ByteBuffer) async throws -> Void
    ) async throws -> ByteBuffer? {
        Self.count("made")
        return try await tickets.withTicket(.hosting) {
            try await run(wants, haves, in: path, keeping: keeping, to: body)
        }
    }

    private func run(
        _ wants: [ObjectID], _ haves: [ObjectID], in path: String, keeping: Bool,
        to body: (ByteBuffer) async throws -> Void
    ) async throws -> ByteBuffer? {
        let (process, input) = try hosting.git.thinPack(wants: wants, haves: haves, in: path)
        var kept: ByteBuffer? = keeping ? ByteBuffer() : nil
        // What the process says before it fails must not look like a pack: a small one goes out at the end.
        try await process.run { process in
            async let fed: Bool = process.write(input)
            var isFed = false
            for try await portion in process.output {
                if !isFed {
                    _ = await fed
                    process.finishInput()
                    isFed = true
                }
                if let size = kept?.readableBytes, size + portion.readableBytes <= Self.keptMax {
                    kept?.writeImmutableBuffer(portion)
                    continue
                }
                if let begun = kept, begun.readableBytes > 0 { try await body(begun) }
                kept = nil
                try await body(portion)
            }
        }
        let status = await process.waitForExit()
        guard status.isSuccess else { throw PackFailure(reason: "\(process.failure(status))") }
        if let kept { try await body(kept) }
        return kept
    }

    private func claim(_ key: String) -> Claim {
        state.withLock { state in
            let now = ContinuousClock.now
            for (name, entry) in state.entries {
                switch entry {
                case .made(let pack, let time) where now - time > Self.keptFor:
                    state.entries[name] = nil
                    state.bytes -= pack.readableBytes
                case .failed(_, let time) where now - time > Self.failureKeptFor: state.entries[name] = nil
                case .made, .failed, .making: continue
                }
            }
            switch state.entries[key] {
            case .made(let pack, _): return .made(pack)
            case .failed(let failure, _): return .failed(failure)
            case .making: return .others
            case nil:
                state.entries[key] = .making([])
                return .mine
            }
        }
    }

    private func wait(_ key: String) async -> ByteBuffer? {
        await withCheckedContinuation { continuation in
            let answer: ByteBuffer?? = state.withLock { state in
                switch state.entries[key] {
                case .making(let waiters):
                    state.entries[key] = .making(waiters + [continuation])
                    return nil
                case .made(let pack, _): return .some(pack)
                case .failed, nil: return .some(nil)
                }
            }
            if let answer { continuation.resume(returning: answer) }
        }
    }

    private func settle(_ key: String, _ pack: ByteBuffer?, _ failure: PackFailure? = nil) {
        let waiters = state.withLock { state -> [CheckedContinuation<ByteBuffer?, Never>] in
            guard case .making(let waiters) = state.entries[key] else { return [] }
            if let pack, state.bytes + pack.readableBytes <= Self.allKeptMax {
                state.entries[key] = .made(pack, at: .now)
                state.bytes += pack.readableBytes
            } else {
                state.entries[key] = failure.map { .failed($0, at: .now) }
            }
            return waiters
        }
        for waiter in waiters { waiter.resume(returning: pack) }
    }

    private static func key(_ repository: RepositoryID, _ wants: [ObjectID], _ haves: [ObjectID]) -> String {
        var hash = SHA256()
        hash.update(data: Array("\(repository) \(wants.count)\n".utf8))
        for id in wants + haves { hash.update(data: Array(id.hex.utf8)) }
        return Array(hash.finalize()).hexadecimal
    }
}
