import GitStore
import HTTPServing
import HTTPTypes
import Hosting
import Hummingbird
import Logging
import NIOCore

/// `POST git-receive-pack`: a push, whose report leaves only when what it says will last.
struct ReceivePack: Sendable {
    let hosting: Hosting
    let gate: GitGate
    let hookSocketPath: String
    let decision: TimedDecision

    /// The largest request that this process carries out itself, in bytes; git's clients send larger ones in
    /// chunks, without a length.
    private static let smallBytesMax = 1024 * 1024

    func answer(_ request: Request, _ context: ServingContext) async throws -> Response {
        try gate.requireType(of: request, for: .receivePack)
        if let door = UpstreamDoor(hosting) {
            return try await RelayedPush(door: door, context: context).answer(request)
        }
        let repository = try await gate.repository(for: .receivePack, context: context)
        let version = GitProtocolVersion(headers: request.headers, service: .receivePack)
        var iterator = request.body.makeAsyncIterator()
        var first = try await FirstPackets.read(
            &iterator, bytesMax: PushCapabilities.bytesMax, until: PushCommands.areComplete)
        if first.isProbe { return GitAnswer.complete(GitService.receivePack.resultType, ByteBuffer()) }
        let client = PushCapabilities(first.packets)
        if isSmall(request), let commands = PushCommands(first.packets, client) {
            try await first.read(&iterator, atLeast: commands.byteCount + PackHeader.byteCount)
            var pack = first.bytes
            pack.moveReaderIndex(forwardBy: commands.byteCount)
            if PackHeader.objectCount(pack) != nil {
                let push = DirectPush(
                    hosting: hosting, repository: repository, commands: commands, client: client,
                    decision: decision, context: context)
                let rest = BodySource(rest: iterator)
                return conversation(client, context) { [pack] in
                    try await push.run(pack: pack, rest: rest, to: $0)
                }
            }
        }
        let rest = BodySource(rest: iterator)
        let push = Push(
            hosting: hosting, repository: repository, version: version, hookSocketPath: hookSocketPath,
            client: client, context: context)
        return conversation(client, context) { [first] in
            try await push.run(first: first.bytes, rest: rest, to: $0)
        }
    }

    /// Whether git's progress, and its signs of life while it works, can be done without.
    private func isSmall(_ request: Request) -> Bool {
        guard let length = request.headers[.contentLength].flatMap({ Int($0) }) else { return false }
        return length <= Self.smallBytesMax
    }

    private func conversation(
        _ client: PushCapabilities, _ context: ServingContext,
        work: @escaping @Sendable (ClientWriter) async throws -> Void
    ) -> Response {
        GitConversation.answer(
            GitService.receivePack.resultType, hosting: hosting, context: context,
            sentence: { GitAnswer.pushError($0, for: client) }, work: work)
    }
}
