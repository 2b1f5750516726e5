import Hummingbird
import NIOCore

/// Writes to a client that may go away, and remembers when it has.
final class ClientWriter {
    private var writer: any ResponseBodyWriter
    private(set) var hasFailed = false
    private(set) var bytesWritten = 0

    init(_ writer: any ResponseBodyWriter) {
        self.writer = writer
    }

    /// Writes now; waits while the client does not read.
    func write(_ buffer: ByteBuffer) async throws {
        guard buffer.readableBytes > 0 else { return }
        bytesWritten += buffer.readableBytes
        do {
            try await writer.write(buffer)
        } catch {
            hasFailed = true
            throw error
        }
    }

    /// Writes unless the client has gone.
    func writeIfPossible(_ buffer: ByteBuffer) async {
        guard !hasFailed else { return }
        try? await write(buffer)
    }

    /// Ends the body.
    func finish() async throws { try await writer.finish(nil) }
}
