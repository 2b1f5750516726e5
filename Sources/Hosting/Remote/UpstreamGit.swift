package import NIOCore

/// The way by which a mirror's doors pass git requests on to the upstream.
package protocol UpstreamGit: Sendable {
    /// Passes a request on; the answer comes piece by piece, whatever its status.
    /// - Throws: ``HostingError/unavailable(reason:)`` when there is no answer;
    ///   ``HostingError/authenticationFailed`` for a key that may no longer be used.
    func pass(_ request: PassedRequest) async throws -> any PassedAnswer
}

/// A git request that a mirror passes on.
package struct PassedRequest: Sendable {
    /// In whose name.
    package enum Caller: Sendable {
        /// The client's own `Authorization` header; nil for none.
        case header(String?)
        /// The holder of a key of SSH, for whom the upstream vouches.
        case key(RemoteCredentials)
    }

    /// What a request carries.
    package enum Body: Sendable {
        /// All at once.
        case bytes(ByteBuffer)
        /// Piece by piece; the next one is taken when the upstream has taken the last.
        case stream(AsyncThrowingStream<ByteBuffer, any Error>)
    }

    /// `GET` or `POST`.
    package var method: String
    /// From `/scm/` on, with the query.
    package var target: String
    /// In whose name.
    package var caller: Caller
    /// Those that git's protocol needs.
    package var headers: [(String, String)]
    /// nil for none.
    package var body: Body?

    /// Everything that goes on.
    package init(
        method: String, target: String, caller: Caller, headers: [(String, String)] = [], body: Body? = nil
    ) {
        self.method = method
        self.target = target
        self.caller = caller
        self.headers = headers
        self.body = body
    }
}

/// What the upstream answers.
package protocol PassedAnswer: Sendable {
    /// Such as 200.
    var status: Int { get }
    /// In the order in which they came.
    var headers: [(name: String, value: String)] { get }
    /// Calls a function with each piece of the body; the next one is asked for when it returns.
    /// - Throws: ``HostingError/unavailable(reason:)`` when the upstream breaks off; what the function
    ///   throws.
    func forEachPortion(_ body: (ByteBuffer) async throws -> Void) async throws
}
