import GitStore
import HTTPServing
import Hosting
import Hummingbird
import NIOCore

/// `POST git-upload-pack`: lists refs in this process, and streams packs from git's.
/// Whole clones come from `git pack-objects`, the rest from `git upload-pack`.
struct UploadPack: Sendable {
    let hosting: Hosting
    let gate: GitGate

    func answer(_ request: Request, _ context: ServingContext) async throws -> Response {
        try gate.requireType(of: request, for: .uploadPack)
        let repository = try await gate.servedRepository(for: .uploadPack, context: context)
        let door = UpstreamDoor(hosting)
        let version = GitProtocolVersion(headers: request.headers, service: .uploadPack)
        var iterator = request.body.makeAsyncIterator()
        let first = try await FirstPackets.read(
            &iterator, bytesMax: V2Request.bytesMax,
            until: door == nil || version == .v2 ? V2Request.isEnough : WantedObjects.areComplete)
        if let door, try await !isHere(first, version, repository) {
            let body = try await UpstreamDoor.body(
                first, iterator, length: request.headers[.contentLength])
            return try await door.answer(request, context, GitService.uploadPack.rawValue, body: body)
        }
        guard let repository else { throw InfoRefs.smartOnly }
        let path = hosting.layout.repository(repository.id)
        if first.isProbe { return GitAnswer.complete(GitService.uploadPack.resultType, ByteBuffer()) }
        if version == .v2, let command = LsRefsCommand.parse(first.packets) {
            let refs = try await hosting.git.lsRefs(in: path, request: command)
            return GitAnswer.complete(GitService.uploadPack.resultType, refs)
        }
        let clone = version == .v2 ? CloneCommand.parse(first.packets) : nil
        let rest = BodySource(rest: iterator)
        return GitConversation.answer(
            GitService.uploadPack.resultType, hosting: hosting, context: context
        ) { client in
            if let clone, let (process, input) = try await hosting.git.wholePack(clone, in: path) {
                let pack = WholePack(
                    process: process, input: input, context: context, repository: repository)
                _ = try await pack.stream(to: client)
                return
            }
            let process = try hosting.git.uploadPack(
                in: path, protocolVersion: version.environmentValue, advertise: false)
            let bridge = ProcessBridge(process: process, presence: context.presence, mustFinish: { false })
            let status = try await bridge.run(first: first.bytes, body: rest) { try await client.write($0) }
            guard client.bytesWritten == 0 else { return }
            let answer =
                status.isSuccess
                ? GitAnswer.error("The request ends in the middle. Try again with a current git client.")
                : GitFailure.answer(process, status, context: context, repository: repository)
            await client.writeIfPossible(answer)
        }
    }

    /// Whether this mirror has all that a request asks for.
    private func isHere(
        _ first: FirstPackets, _ version: GitProtocolVersion, _ repository: Repository?
    ) async throws -> Bool {
        guard let repository else { return false }
        guard let wanted = WantedObjects(first.packets, version: version) else { return true }
        return try await wanted.areHere(hosting.git, in: hosting.layout.repository(repository.id))
    }
}
