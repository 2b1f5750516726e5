import HTTPServing
import Hosting
import Hummingbird
import Logging

/// Who asks for a git operation, over whichever protocol.
protocol GitCaller: Sendable {
    /// On whose behalf.
    var principal: Principal { get }
    /// Whether the client is still there.
    var presence: ClientPresence { get }
    /// Carries the request's id.
    var logger: Logger { get }
    /// Names the operation in logs and to people.
    var requestID: String { get }
    /// `http` or `ssh`, for logs and figures.
    var transport: String { get }
}

extension ServingContext: GitCaller {
    var transport: String { "http" }
}
