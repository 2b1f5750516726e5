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
    func stream(to client: ClientWriter) async throws {
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
        guard !status.isSuccess else {
            begin.clear()
            begin.writePktLine(.flush)
            return try await client.write(begin)
        }
        let sentence = GitFailure.sentence(process, status, context: context, repository: repository)
        guard client.bytesWritten > 0 else { return await client.writeIfPossible(GitAnswer.error(sentence)) }
        var end = ByteBuffer()
        end.writeBand(3, ByteBuffer(string: sentence))
        await client.writeIfPossible(end)
    }
}
