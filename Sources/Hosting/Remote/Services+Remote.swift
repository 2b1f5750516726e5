internal import Portable
internal import SharedDatabase

extension Services {
    /// What the authority is to be asked about a principal; nil where this server decides itself: on a
    /// primary, and for those who act on a mirror without having logged in to it.
    func remoteCredentials(of principal: Principal) -> RemoteCredentials? {
        guard remote.authority != nil, !principal.isLocalOperator, principal.user == nil else { return nil }
        return principal.remote ?? .anonymous
    }

    /// As whom lists are read: the upstream's administrators see all that is here. Others of a mirror's
    /// callers see no lists, for which the upstream would have to be asked about each entry.
    func reader(for principal: Principal) async throws -> Principal {
        guard let credentials = remoteCredentials(of: principal) else { return principal }
        let rights = try await remoteRights(of: credentials, on: nil)
        return rights.permissions.contains(.admin) ? .localOperator : principal
    }

    /// What the authority says.
    /// - Throws: As ``AccessAuthority/rights(of:on:isChange:)``.
    func remoteRights(
        of credentials: RemoteCredentials, on repository: RepositoryID?, isChange: Bool = false
    ) async throws -> RemoteRights {
        guard let authority = remote.authority else { return .none }
        return try await authority.rights(of: credentials, on: repository, isChange: isChange)
    }

    /// What a caller of a mirror may do to the repository of an address; nil when there is none.
    func remoteAccess(
        projectKey: String, slug: String, by credentials: RemoteCredentials, isChange: Bool
    ) async throws -> RepositoryAccess? {
        let found = try await lookUp { transaction -> (Repository, Bool)? in
            if let direct = try transaction.repository(projectKey: projectKey, slug: slug) {
                return (direct, false)
            }
            return try transaction.repository(formerProjectKey: projectKey, slug: slug).map { ($0, true) }
        }
        guard let (repository, isRedirect) = found else { return nil }
        let rights = try await remoteRights(of: credentials, on: repository.id, isChange: isChange)
        return RepositoryAccess(
            repository: repository, permissions: rights.permissions, isRedirect: isRedirect)
    }
}

extension HostingError {
    /// What is said to those who would change something on a mirror.
    static let isMirror = HostingError.conflict(
        message: "This server is a mirror, which changes nothing itself. Do it on its upstream.")
}
