import GitStore
import HTTPServing
import Hosting
import Logging
import NIOCore
import Portable

/// What is said and logged of a git process that failed without telling the client.
enum GitFailure {
    /// Logs the failure, and makes the packet for the client.
    static func answer(
        _ process: GitProcess, _ status: ExitStatus, context: any GitCaller, repository: Repository
    ) -> ByteBuffer {
        GitAnswer.error(sentence(process, status, context: context, repository: repository))
    }

    /// Logs the failure, and makes the sentence for the client.
    static func sentence(
        _ process: GitProcess, _ status: ExitStatus, context: any GitCaller, repository: Repository
    ) -> String {
        log(process, status, context: context, repository: repository)
        return GitComplaint.sentence(
            status: status, standardError: process.standardErrorText, requestID: context.requestID)
    }

    /// Logs that git failed at what it alone had to do, and makes the sentence for the client.
    static func damage(
        _ process: GitProcess, _ status: ExitStatus, context: any GitCaller, repository: Repository
    ) -> String {
        log(process, status, context: context, repository: repository)
        return "git could not make the pack, so the repository may be damaged. "
            + "Give the id \(context.requestID) to the server's administrator."
    }

    private static func log(
        _ process: GitProcess, _ status: ExitStatus, context: any GitCaller, repository: Repository
    ) {
        guard !context.presence.hasLeft else { return }
        context.logger.warning(
            "git process failed",
            metadata: [
                "repository.id": "\(repository.id.rawValue)", "status": "\(status)",
                "stderr": "\(process.standardErrorText.suffix(2000))",
            ])
    }

    /// Logs that a push may have happened and will not be told so, and makes the sentence for the client.
    static func unconfirmed(
        _ session: PushSession, _ error: any Error, context: any GitCaller
    ) -> String {
        context.logger.error(
            "push could not be made durable",
            metadata: [
                "push.id": "\(session.id.rawValue)",
                "repository.id": "\(session.repository.id.rawValue)", "error": "\(error)",
            ])
        return "The server could not make the push durable, so it may be lost. Fetch, then push again; "
            + "tell the server's administrator the id \(context.requestID)."
    }
}
