import GitStore
import HTTPServing
import Hosting
import Logging
import NIOCore
import Portable

/// One push, from its first command to the released report.
struct Push: Sendable {
    let hosting: Hosting
    let repository: Repository
    let version: GitProtocolVersion
    let hookSocketPath: String
    let client: PushCapabilities
    let context: any GitCaller

    /// Runs git, relays its words, and releases its report once the push is durable.
    /// - Throws: When the client has gone or git could not be started; the push has been settled then, one
    ///   way or
    ///   the other.
    func run(first: ByteBuffer, rest: BodySource, to writer: ClientWriter) async throws {
        let session = hosting.pushes.begin(
            repository: repository, principal: context.principal, transport: context.transport)
        var relay = ReportRelay()
        let process: GitProcess
        let status: ExitStatus
        do {
            process = try hosting.git.receivePack(
                in: hosting.layout.repository(repository.id), protocolVersion: version.environmentValue,
                advertise: false, hook: HookEnvironment(socketPath: hookSocketPath, secret: session.secret),
                maxInputBytes: hosting.settings.pushBytesMax)
            let bridge = ProcessBridge(
                process: process, presence: context.presence, mustFinish: { session.isCommitting })
            status = try await bridge.run(first: first, body: rest) { part in
                let forward = try relay.feed(part)
                do {
                    try await writer.write(forward)
                } catch  where session.isCommitting {
                    // Nobody listens any more, but what was accepted comes to its end.
                }
            }
        } catch {
            await session.abandon()
            throw error
        }
        await settle(session, process: process, status: status, relay: &relay, to: writer)
    }

    /// Writes down what became of the push, then lets the client know.
    private func settle(
        _ session: PushSession, process: GitProcess, status: ExitStatus, relay: inout ReportRelay,
        to writer: ClientWriter
    ) async {
        let (held, report) = relay.finish()
        guard status.isSuccess || report != nil else {
            await session.abandon()
            let sentence = GitFailure.sentence(process, status, context: context, repository: repository)
            await writer.writeIfPossible(GitAnswer.pushError(sentence, for: client))
            return
        }
        do {
            try await session.finish(report: report)
            await writer.writeIfPossible(held)
        } catch {
            let sentence = GitFailure.unconfirmed(session, error, context: context)
            await writer.writeIfPossible(GitAnswer.pushError(sentence, for: client))
        }
    }
}
