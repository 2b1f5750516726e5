import GitStore
import HTTPServing
import Hosting
import Hummingbird
import Logging
import Metrics
import NIOCore
import Portable

/// One small push over HTTP that this process carries out itself, with the help of `git index-pack` at most.
///
/// The same steps in the same order as `git receive-pack`: the pack into a quarantine, the guards, the
/// objects, the refs, the report. Which pushes are small: ``ReceivePack``.
struct DirectPush: Sendable {
    let hosting: Hosting
    let repository: Repository
    let commands: PushCommands
    let client: PushCapabilities
    let decision: TimedDecision
    let context: ServingContext

    /// Carries the push out and writes the report once it is durable.
    /// - Parameter pack: The beginning of the pack, without any other bytes before it.
    /// - Throws: When the client has gone before the guards accepted the push, or git could not be started.
    func run(pack: ByteBuffer, rest: BodySource, to writer: ClientWriter) async throws {
        let session = hosting.pushes.begin(
            repository: repository, principal: context.principal, transport: "http")
        var quarantine: Quarantine?
        do {
            // A client that sends only what is there already sends a pack of nothing.
            if PackHeader.objectCount(pack) != 0 { quarantine = try await session.makeQuarantine() }
            let (pack, rest, isWhole) = try await readAhead(pack, rest)
            let answer = try await conclude(session, quarantine, pack: pack, rest: rest, isWhole: isWhole)
            if let quarantine, !answer.isMigrated { await hosting.git.discard(quarantine) }
            await writer.writeIfPossible(answer.bytes)
        } catch {
            await session.abandon()
            if let quarantine { await hosting.git.discard(quarantine) }
            throw error
        }
    }

    private struct Answer {
        var bytes: ByteBuffer
        var isMigrated = false
    }

    private func conclude(
        _ session: PushSession, _ quarantine: Quarantine?, pack: ByteBuffer, rest: BodySource, isWhole: Bool
    ) async throws -> Answer {
        if let complaint = try await take(pack, rest, isWhole: isWhole, into: quarantine) {
            await session.abandon()
            return refusal(complaint, unpack: "index-pack abnormal exit", reason: "unpacker error")
        }
        let objections = try await session.objections(to: commands.updates, quarantine: quarantine)
        let wanted = commands.updates.filter { objections[$0.name] == nil }
        guard !wanted.isEmpty, objections.isEmpty || !commands.isAtomic else {
            await session.abandon()
            return Answer(bytes: report { objections[$0.name] ?? "atomic push failure" })
        }
        let changes = wanted.map { RefChange(ref: $0.name, from: $0.old, to: $0.new) }
        let executor = EventLoopExecutor(context.channel.eventLoop)
        let verdict = await context.presence.withDepartureHandler {
            await decision.reply(on: executor, refuse: PushVerdict.refuse(text:)) {
                await session.preReceive(
                    changes: changes, quarantine: quarantine?.path, options: commands.options)
            }
        } onDeparture: {
            session.breakOff()
        }
        if case .refuse(let text) = verdict {
            await session.abandon()
            return refusal(text, unpack: nil, reason: "pre-receive hook declined", objections)
        }
        // Before the refs move: mirrors ask for it as soon as they hear of that.
        if isWhole, quarantine != nil, hosting.pushedPacks.isWanted {
            hosting.pushedPacks.keep(PushedPack(pack, of: wanted), in: repository.id)
        }
        return await move(wanted, session, quarantine, objections)
    }

    /// Reads the whole pack if it is small enough to be checked here.
    private func readAhead(
        _ first: ByteBuffer, _ rest: BodySource
    ) async throws -> (pack: ByteBuffer, rest: BodySource, isWhole: Bool) {
        guard var body = rest.take() else { return (first, rest, false) }
        var pack = first
        while pack.readableBytes <= GitStore.smallPackMax {
            guard let part = try await body.next() else { return (pack, BodySource(rest: body), true) }
            pack.writeImmutableBuffer(part)
        }
        return (pack, BodySource(rest: body), false)
    }

    /// Checks a small pack, and gives others, and doubtful ones, to git.
    /// - Returns: What git says against it; nil when it is whole and sound.
    private func take(
        _ pack: ByteBuffer, _ rest: BodySource, isWhole: Bool, into quarantine: Quarantine?
    ) async throws -> String? {
        guard let quarantine else {
            if var body = rest.take() { while try await body.next() != nil {} }
            return nil
        }
        let bytesMax = hosting.settings.pushBytesMax
        if isWhole, Int64(pack.readableBytes) <= bytesMax ?? .max,
            try await hosting.git.indexSmallPack(pack, into: quarantine)
        {
            count(checkedBy: "node")
            return nil
        }
        count(checkedBy: "git")
        let process = try hosting.git.indexPack(into: quarantine, maxInputBytes: bytesMax)
        let bridge = ProcessBridge(process: process, presence: context.presence, mustFinish: { false })
        let status = try await bridge.run(first: pack, body: rest) { _ in }
        guard !status.isSuccess else { return nil }
        let lines = process.standardErrorText.suffix(4000).split(separator: "\n")
        // Paths of this machine are nobody's business.
        return lines.filter { !$0.contains(quarantine.repository) }.joined(separator: "\n")
    }

    private func count(checkedBy who: String) {
        Counter(label: "perigee.push.packs", dimensions: [("checked_by", who)]).increment()
    }

    /// Moves the refs; from here on the push comes to its end, whether or not anybody waits for it.
    private func move(
        _ updates: [RefUpdate], _ session: PushSession, _ quarantine: Quarantine?,
        _ objections: [RefName: String]
    ) async -> Answer {
        do {
            let failures = try await session.moveRefs(
                updates, quarantine: quarantine, isAtomic: commands.isAtomic)
            var bytes = ByteBuffer()
            for update in updates {
                if let failure = failures[update.name] { bytes.writeMessage("error: \(failure)\n") }
            }
            bytes.writeImmutableBuffer(
                report { update in
                    objections[update.name] ?? failures[update.name].map { _ in "failed to update ref" }
                })
            return Answer(bytes: bytes, isMigrated: true)
        } catch {
            // Whatever hindered it before a ref moved is said in its own words.
            let sentence =
                (error as? HostingError)?.message
                ?? GitFailure.unconfirmed(session, error, context: context)
            return Answer(bytes: GitAnswer.pushError(sentence, for: client))
        }
    }

    private func refusal(
        _ text: String, unpack: String?, reason: String, _ objections: [RefName: String] = [:]
    ) -> Answer {
        var bytes = ByteBuffer()
        bytes.writeMessage(text.hasSuffix("\n") ? text : text + "\n")
        bytes.writeImmutableBuffer(report(unpack: unpack) { objections[$0.name] ?? reason })
        return Answer(bytes: bytes)
    }

    /// The report, in the first band, and the end of the conversation.
    private func report(unpack: String? = nil, reason: (RefUpdate) -> String?) -> ByteBuffer {
        var lines = ByteBuffer()
        lines.writePktLine("unpack \(unpack ?? "ok")\n")
        for update in commands.updates {
            lines.writePktLine(
                reason(update).map { "ng \(update.name.full) \($0)\n" } ?? "ok \(update.name.full)\n")
        }
        lines.writePktLine(.flush)
        var bytes = ByteBuffer()
        bytes.writeBand(1, lines)
        bytes.writePktLine(.flush)
        return bytes
    }
}
