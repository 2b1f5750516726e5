/// On an upstream: in whose name a mirror passes a git request on.
package protocol GitDelegates: Sendable {
    /// As whom the request is carried out, with the rights of now.
    /// - Parameters:
    ///   - token: By which the mirror signed the request.
    ///   - delegation: What the mirror was given for its caller's key; nil for a request that has none.
    ///   - method: Of the request.
    ///   - target: Its path and query, as it came over the wire.
    ///   - projectKey: Of the repository that is asked for.
    ///   - slug: Likewise.
    /// - Throws: ``HostingError/authenticationFailed`` when any of it does not hold.
    func principal(
        token: String, delegation: String?, method: String, target: String, projectKey: String, slug: String
    ) async throws -> Principal
}
