import HTTPServing
import HTTPTypes
import Hosting
import Hummingbird
import Logging
import NIOCore

/// One command of git's over SSH: who asks, and the client's two directions in the form that HTTP has them
/// in.
struct SSHOperation: GitCaller {
    let principal: Principal
    let exchange: SSHExchange
    let logger: Logger
    let requestID: String

    var presence: ClientPresence { exchange.presence }
    var transport: String { "ssh" }

    /// Writes to the client's standard output.
    var client: ClientWriter { ClientWriter(SSHWriter(exchange: exchange)) }

    /// The client's bytes, of which the beginning has been read, for a git process.
    ///
    /// A client of SSH ends its bytes only when it has the answer, so they end when the process has.
    func rest() -> BodySource {
        let body = RequestBody(asyncSequence: SSHInput(exchange: exchange))
        return BodySource(rest: body.makeAsyncIterator(), stop: exchange.stopInput)
    }

    /// Writes a sentence to the client's standard error, unless it has gone.
    func say(_ sentence: String) async {
        try? await exchange.write(ByteBuffer(string: sentence + "\n"), isError: true)
    }
}

/// The client's standard output as the body of an answer.
private struct SSHWriter: ResponseBodyWriter {
    let exchange: SSHExchange

    mutating func write(_ buffer: ByteBuffer) async throws { try await exchange.write(buffer) }

    consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
