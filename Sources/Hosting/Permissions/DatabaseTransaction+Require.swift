internal import Portable
internal import SharedDatabase

/// Insisting on permissions within the transaction that changes something, so that no change slips between.
extension DatabaseTransaction {
    /// Insists on a global permission.
    func require(_ permission: Permission, _ principal: Principal, _ settings: HostingSettings) throws {
        let rights = try permissionFacts(principal, settings: settings).effective
        guard rights.contains(permission) else {
            throw HostingError.lacking(permission, principal, where: nil)
        }
    }

    /// Insists on a permission in a project, which does not exist for those who may not see it.
    func require(
        _ permission: Permission, _ principal: Principal, project: Project, _ settings: HostingSettings
    ) throws {
        let rights = try permissionFacts(principal, project: project, settings: settings).effective
        try project.require(permission, rights, principal)
    }

    /// Insists on a permission in a repository, which does not exist for those who may not see it.
    func require(
        _ permission: Permission, _ principal: Principal, repository: Repository, _ settings: HostingSettings
    ) throws {
        let rights = try permissionFacts(principal, repository: repository, settings: settings).effective
        try RepositoryAccess(repository: repository, permissions: rights, isRedirect: false)
            .require(permission, principal)
    }

    /// Insists that the principal may change a user or group that is, or makes, system administrator.
    func requireAdmin(
        over isSysadmin: Bool, _ principal: Principal, _ settings: HostingSettings
    ) throws {
        try require(isSysadmin ? .sysAdmin : .admin, principal, settings)
    }
}

extension Project {
    /// Insists on a permission among those that are known; without any the project does not exist.
    func require(
        _ permission: Permission, _ rights: PermissionSet, _ principal: Principal
    ) throws(HostingError) {
        guard !rights.contains(permission) else { return }
        guard rights.contains(.projectView) else { throw .noSuchProject(key: key) }
        throw .lacking(permission, principal, where: "project \(key)")
    }
}

extension RepositoryAccess {
    /// Insists on a permission that is known already.
    /// - Throws: ``HostingError/noSuchRepository(project:slug:)`` when the repository is not even to be seen,
    ///   ``HostingError/authenticationRequired``, ``HostingError/notAuthorised(permission:message:)``.
    package func require(_ permission: Permission, _ principal: Principal) throws(HostingError) {
        guard !permissions.contains(permission) else { return }
        guard permissions.contains(.repoRead) else {
            throw .noSuchRepository(project: repository.project.key, slug: repository.slug)
        }
        throw .lacking(
            permission, principal, where: "repository \(repository.project.key)/\(repository.slug)")
    }
}

extension HostingError {
    /// What to say to somebody who lacks a permission.
    static func lacking(
        _ permission: Permission, _ principal: Principal, where place: String?
    ) -> HostingError {
        guard !principal.isAnonymous else { return .authenticationRequired }
        let place = place.map { " on \($0)" } ?? ""
        let what = principal.tokenGrant == nil ? "You do" : "This access token does"
        return .notAuthorised(
            permission: permission,
            message: "\(what) not have \(permission.rawValue)\(place). Ask an administrator for it.")
    }
}
