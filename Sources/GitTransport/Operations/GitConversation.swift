import HTTPServing
import Hosting
import Hummingbird
import Logging
import NIOCore

/// A streamed answer in git's wire format that ends with a sentence when something goes wrong in its middle.
///
/// The status of the answer has been sent by then, so the sentence goes where the git client looks for one.
enum GitConversation {
    /// The answer whose body `work` writes while it holds a ticket.
    /// - Parameter begin: Written before there is a ticket.
    /// - Parameter sentence: Makes the last packet from a sentence.
    static func answer(
        _ contentType: String, hosting: Hosting, context: ServingContext, begin: ByteBuffer = ByteBuffer(),
        sentence: @escaping @Sendable (String) -> ByteBuffer = GitAnswer.error,
        work: @escaping @Sendable (ClientWriter) async throws -> Void
    ) -> Response {
        Response(
            status: .ok, headers: GitAnswer.headers(contentType),
            body: ResponseBody { writer in
                let client = ClientWriter(writer)
                do {
                    try await client.write(begin)
                    try await hosting.tickets.withTicket(.hosting) { try await work(client) }
                } catch {
                    try await client.write(sentence(try text(for: error, client: client, context: context)))
                }
                try await client.finish()
            })
    }

    /// The sentence for an error.
    /// - Throws: The error itself when nobody is left to read a sentence.
    private static func text(
        for error: any Error, client: ClientWriter, context: ServingContext
    ) throws -> String {
        if let error = error as? HostingError { return error.message }
        if client.hasFailed || context.presence.hasLeft || error is CancellationError { throw error }
        context.logger.error(
            "git request failed", metadata: ["error": "\(error)", "error.type": "\(type(of: error))"])
        return "The server could not complete the request. "
            + "Give the id \(context.requestID) to its administrator."
    }
}
