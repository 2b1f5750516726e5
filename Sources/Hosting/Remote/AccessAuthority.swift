package import Portable

/// Who decides on a mirror, which has neither users nor permissions of its own: the upstream.
package protocol AccessAuthority: Sendable {
    /// Who shows these credentials, and what they may do.
    /// - Parameter repository: Where; nil for the server as a whole.
    /// - Parameter isChange: What is decided by it changes something, so that nothing remembered will do.
    /// - Throws: ``HostingError/authenticationFailed`` for wrong credentials,
    ///   ``HostingError/unavailable(reason:)`` when nobody can say.
    func rights(
        of credentials: RemoteCredentials, on repository: RepositoryID?, isChange: Bool
    ) async throws -> RemoteRights

    /// Whose credentials these are, as far as it is remembered; nothing is asked. For logs, not for
    /// decisions.
    func rememberedUser(of credentials: RemoteCredentials) -> User?
}

extension AccessAuthority {
    /// Nobody is remembered.
    package func rememberedUser(of credentials: RemoteCredentials) -> User? { nil }
}

extension Hosting {
    /// Who a caller is, for logs: on a mirror, whom the upstream has named for the credentials.
    package func namedUser(_ principal: Principal) -> User? {
        principal.user ?? principal.remote.flatMap { authority?.rememberedUser(of: $0) }
    }
}

extension User {
    /// A user of another server, as that describes it.
    package init(
        remoteID id: UserID, name: String, slug: String, displayName: String, emailAddress: String?,
        active: Bool, kind: UserKind
    ) {
        self.init(
            id: id, name: name, slug: slug, displayName: displayName, emailAddress: emailAddress,
            active: active, kind: kind, createdMilliseconds: 0)
    }
}

/// What an upstream says of a caller of its mirror.
package struct RemoteRights: Sendable, Hashable {
    /// Who it is; nil for nobody in particular.
    package let user: User?
    /// Everything that the caller may do where it was asked, implied permissions included; maybe nothing.
    package let permissions: PermissionSet
    /// The number of the key of SSH that was shown, on the upstream.
    package let key: Int64?
    /// For a key of SSH: what lets the mirror pass a request on in its holder's name, for a minute.
    package let delegation: String?

    /// Everything that an upstream says.
    package init(
        user: User?, permissions: PermissionSet, key: Int64? = nil, delegation: String? = nil
    ) {
        self.user = user
        self.permissions = permissions
        self.key = key
        self.delegation = delegation
    }

    /// Nobody, who may do nothing.
    package static let none = RemoteRights(user: nil, permissions: .none)
}
