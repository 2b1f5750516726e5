internal import Hosting
internal import NIOCore
internal import Portable

/// What a mirror needs of its upstream to serve others: who they are, and the way for what is passed on.
package struct MirrorServing: Sendable {
    /// Who decides.
    package let authority: RemoteAuthority
    /// Where git requests go that are not answered here.
    package let git: UpstreamPassage

    /// - Parameter follower: Whose link tells of changes of rights.
    /// - Throws: ``PeerError`` when the file of authorities cannot be used.
    init(follower: MirrorFollower, offline: Duration, eventLoopGroup: any EventLoopGroup) throws {
        var times = RemoteAuthority.Times()
        times.offline = offline
        let connection = follower.connection
        let authority = RemoteAuthority(times: times) { credentials, repository, patience in
            try await Self.ask(connection, credentials, repository, patience)
        }
        self.authority = authority
        git = try UpstreamPassage(
            connection: connection, authority: authority, settings: follower.settings,
            eventLoopGroup: eventLoopGroup)
        follower.onRightsChange { authority.forgetAll() }
    }

    private static func ask(
        _ connection: UpstreamConnection, _ credentials: RemoteCredentials, _ repository: RepositoryID?,
        _ patience: Duration
    ) async throws -> RemoteRights {
        var body: [String: PortableValue] = ["credentials": credentials.portable]
        if let repository { body["repositoryId"] = .integer(repository.rawValue) }
        let answer: PortableValue
        do throws(PeerError) {
            answer = try await connection.call("POST", "authenticate", body: .map(body), timeout: patience)
        } catch {
            // The user's credentials are refused, and not those of this mirror.
            if error.code == "credentials" { throw HostingError.authenticationFailed }
            throw error
        }
        guard let rights = RemoteRights(answer) else {
            throw PeerError.notUnderstood(
                url: connection.baseURL, reason: "it does not say what the caller may do")
        }
        return rights
    }
}
