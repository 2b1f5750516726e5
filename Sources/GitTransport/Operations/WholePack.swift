import GitStore
import HTTPServing
import Hosting
import NIOCore

/// Streams the pack of a clone from `git pack-objects` to the client, in the place of `git upload-pack`,
/// which would pass every byte on through one more process.
struct WholePack: Sendable {
    /// Git says something this often while it counts, so that nothing between it and the client gives up:
    /// `uploadpack.keepAlive`.
    private static let silenceMax = Duration.seconds(5)

    let process: GitProcess
    let input: ByteBuffer
    let context: any GitCaller
    let repository: Repository

    /// Runs the process to its end.
    /// - Returns: Whether the client has all of it; it has a sentence otherwise.
    func stream(to client: ClientWriter) async throws -> Bool {
        process.tellSilence(each: Self.silenceMax)
        let bridge = ProcessBridge(process: process, presence: context.presence, mustFinish: { false })
        var begin = ByteBuffer()
        begin.writePktLine("packfile\n")
        let status = try await bridge.run(first: input, body: nil) { portion in
            var packets = begin
            begin.clear()
            // An empty packet of the first band is no data.
            if portion.readableBytes == 0 { packets.writePktLine("\u{1}") }
            packets.writeBand(1, portion)
            try await client.write(packets)
        }
        if status.isSuccess {
            begin.clear()
            begin.writePktLine(.flush)
            try await client.write(begin)
        } else {
            let sentence = GitFailure.damage(process, status, context: context, repository: repository)
            var end = ByteBuffer()
            end.writeBand(3, ByteBuffer(string: sentence))
            await client.writeIfPossible(client.bytesWritten > 0 ? end : GitAnswer.error(sentence))
        }
        return status.isSuccess
    }
}
