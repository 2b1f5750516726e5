import GitStore
import HTTPServing
import HTTPTypes
import Hosting
import Hummingbird
import NIOCore

/// A push to a mirror: the upstream carries it out, and its client is answered when the mirror shows it.
struct RelayedPush: Sendable {
    let door: UpstreamDoor
    let context: ServingContext

    /// How long the end of an answer waits for the mirror.
    static let patience = Duration.seconds(10)
    /// What is said when that was not enough.
    static let behind =
        "The push is done, but this mirror does not show it yet. Its next update brings it.\n"

    /// Passes the push on.
    func answer(_ request: Request) async throws -> Response {
        var iterator = request.body.makeAsyncIterator()
        let first = try await FirstPackets.read(
            &iterator, bytesMax: RelayedCommands.bytesMax, until: WantedObjects.areComplete)
        let commands = RelayedCommands(first.packets)
        let client = PushCapabilities(first.packets)
        let body = try await UpstreamDoor.body(
            first, iterator, length: request.headers[.contentLength])
        let rest = GitService.receivePack.rawValue
        let answer = try await door.send(request, context, rest, body: body)
        guard answer.status == 200 else {
            return UpstreamDoor.response(answer) { writer in
                try await answer.forEachPortion { try await writer.write($0) }
            }
        }
        let address = try GitAddress(context)
        return UpstreamDoor.response(answer) { [door] writer in
            var report = ReportRelay()
            try await answer.forEachPortion { portion in
                let forward = try report.feed(portion)
                if forward.readableBytes > 0 { try await writer.write(forward) }
            }
            let (held, outcome) = report.finish()
            try await writer.write(
                await door.end(held, made: commands.made(outcome), at: address, client))
        }
    }
}

extension UpstreamDoor {
    /// The end of a push's answer, once this mirror shows what was pushed, or the time to wait is over.
    /// - Parameter held: What the upstream said, up to its end.
    func end(
        _ held: ByteBuffer, made changes: [RefChange], at address: GitAddress, _ client: PushCapabilities
    ) async -> ByteBuffer {
        guard !changes.isEmpty,
            let repository = try? await hosting.repositories.find(
                projectKey: address.projectKey, slug: address.slug),
            repository.state == .available,
            await !hosting.refs.areShown(changes, in: repository, atMost: RelayedPush.patience),
            client.hasSideBand
        else { return held }
        var end = ByteBuffer()
        end.writeMessage(RelayedPush.behind)
        end.writeImmutableBuffer(held)
        return end
    }
}
