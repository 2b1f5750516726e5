import GitStore
import HTTPServing
import Hosting
import Hummingbird
import Logging
import NIOCore

/// `POST git-receive-pack`: a push, whose report leaves only when what it says will last.
struct ReceivePack: Sendable {
    let hosting: Hosting
    let gate: GitGate
    let hookSocketPath: String

    func answer(_ request: Request, _ context: ServingContext) async throws -> Response {
        try gate.requireType(of: request, for: .receivePack)
        let repository = try await gate.repository(for: .receivePack, context: context)
        let version = GitProtocolVersion(headers: request.headers, service: .receivePack)
        var iterator = request.body.makeAsyncIterator()
        let first = try await FirstPackets.read(
            &iterator, bytesMax: PushCapabilities.bytesMax, until: PushCapabilities.areKnown)
        if first.isProbe { return GitAnswer.complete(GitService.receivePack.resultType, ByteBuffer()) }
        let rest = BodySource(rest: iterator)
        let push = Push(
            hosting: hosting, repository: repository, version: version, hookSocketPath: hookSocketPath,
            client: PushCapabilities(first.packets), context: context)
        return GitConversation.answer(
            GitService.receivePack.resultType, hosting: hosting, context: context,
            sentence: { GitAnswer.pushError($0, for: push.client) }
        ) { client in
            try await push.run(first: first.bytes, rest: rest, to: client)
        }
    }
}
