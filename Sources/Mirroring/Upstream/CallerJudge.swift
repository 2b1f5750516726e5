package import Hosting
package import Portable

/// On the upstream: says who a mirror's caller is and what the caller may do.
package struct CallerJudge: Sendable {
    let hosting: Hosting
    let delegates: MirrorDelegates

    /// What is said of a caller.
    package struct Verdict: Sendable {
        /// As whom it acts.
        package let principal: Principal
        /// On the server as a whole.
        package let global: PermissionSet
        /// On the repository; nil when none was asked about, or there is none.
        package let repository: PermissionSet?
        /// The key that was shown.
        package let key: SSHKey?
        /// For the holder of a key.
        package let delegation: String?
    }

    /// Judges credentials with the rights of now.
    /// - Throws: `HostingError.authenticationFailed`.
    package func judge(
        _ credentials: RemoteCredentials, on id: RepositoryID?, for mirror: MirrorID
    ) async throws -> Verdict {
        var repository: Repository?
        if let id { repository = try await hosting.repositories.get(id) }
        let (principal, key) = try await caller(credentials, repository)
        // The operator's own secret is for this machine.
        guard !principal.isLocalOperator else { throw HostingError.authenticationFailed }
        var delegation: String?
        if let key { delegation = try await delegates.delegation(of: key, to: mirror) }
        return Verdict(
            principal: principal, global: try await hosting.permissions.effective(principal),
            repository: try await rights(of: principal, on: repository), key: key, delegation: delegation)
    }

    private func rights(of principal: Principal, on repository: Repository?) async throws -> PermissionSet? {
        guard let repository else { return nil }
        return try await hosting.permissions.effective(principal, repository: repository)
    }

    private func caller(
        _ credentials: RemoteCredentials, _ repository: Repository?
    ) async throws -> (Principal, SSHKey?) {
        switch credentials.content {
        case .anonymous: return (.anonymous, nil)
        case .password(let user, let password):
            return (try await hosting.authenticator.authenticate(.basic(user: user, password: password)), nil)
        case .token(let secret):
            return (try await hosting.authenticator.authenticate(.bearer(secret)), nil)
        case .publicKey(let algorithm, let text):
            guard let shown = try? SSHPublicKey("\(algorithm) \(text)"),
                let key = try await hosting.keys.usable(fingerprint: shown.fingerprint),
                let principal = try await hosting.keys.principal(
                    key: key.id, projectKey: repository?.project.key ?? "", slug: repository?.slug ?? "")
            else { throw HostingError.authenticationFailed }
            return (principal, key)
        }
    }
}
