internal import SharedDatabase

/// Who may do what.
package struct Permissions: Sendable {
    let services: Services

    /// Everything that the principal may, on the server as a whole; implied permissions included.
    package func effective(_ principal: Principal) async throws -> PermissionSet {
        if let remote = services.remoteCredentials(of: principal) {
            return try await services.remoteRights(of: remote, on: nil).permissions
        }
        return try await services.read { [settings = services.settings] transaction in
            try transaction.permissionFacts(principal, settings: settings).effective
        }
    }

    /// Everything that the principal may in the project; implied and global permissions included.
    /// On a mirror only the global ones count.
    package func effective(_ principal: Principal, project: Project) async throws -> PermissionSet {
        if services.remoteCredentials(of: principal) != nil { return try await effective(principal) }
        return try await services.read { [settings = services.settings] transaction in
            try transaction.permissionFacts(principal, project: project, settings: settings).effective
        }
    }

    /// Everything that the principal may in the repository; those of its project and global ones included.
    package func effective(_ principal: Principal, repository: Repository) async throws -> PermissionSet {
        if let remote = services.remoteCredentials(of: principal) {
            return try await services.remoteRights(of: remote, on: repository.id).permissions
        }
        return try await services.read { [settings = services.settings] transaction in
            try transaction.permissionFacts(principal, repository: repository, settings: settings).effective
        }
    }

    /// Whether the principal has a global permission.
    package func has(_ permission: Permission, _ principal: Principal) async throws -> Bool {
        try await effective(principal).contains(permission)
    }

    /// Whether the principal has a permission in the project.
    package func has(_ permission: Permission, _ principal: Principal, project: Project) async throws -> Bool
    {
        try await effective(principal, project: project).contains(permission)
    }

    /// Whether the principal has a permission in the repository.
    package func has(
        _ permission: Permission, _ principal: Principal, repository: Repository
    ) async throws -> Bool {
        try await effective(principal, repository: repository).contains(permission)
    }

    /// Insists on a global permission.
    /// - Throws: ``HostingError/authenticationRequired`` for anonymous callers,
    ///   ``HostingError/notAuthorised(permission:message:)`` for others.
    package func require(_ permission: Permission, _ principal: Principal) async throws {
        if services.remoteCredentials(of: principal) != nil {
            guard try await has(permission, principal) else {
                throw HostingError.lacking(permission, principal, where: nil)
            }
            return
        }
        try await services.read { [settings = services.settings] transaction in
            try transaction.require(permission, principal, settings)
        }
    }

    /// Insists on a permission in the project.
    /// - Throws: As for global ones; ``HostingError/noSuchProject(key:)`` when the principal may not even see
    ///   it.
    package func require(_ permission: Permission, _ principal: Principal, project: Project) async throws {
        if services.remoteCredentials(of: principal) != nil {
            let rights = try await effective(principal, project: project)
            return try project.require(permission, rights, principal)
        }
        try await services.read { [settings = services.settings] transaction in
            try transaction.require(permission, principal, project: project, settings)
        }
    }

    /// Insists on a permission in the repository.
    /// - Throws: As for global ones; ``HostingError/noSuchRepository(project:slug:)`` when the principal may
    ///   not
    ///   even see it.
    package func require(
        _ permission: Permission, _ principal: Principal, repository: Repository
    ) async throws {
        if services.remoteCredentials(of: principal) != nil {
            let rights = try await effective(principal, repository: repository)
            return try RepositoryAccess(repository: repository, permissions: rights, isRedirect: false)
                .require(permission, principal)
        }
        try await services.read { [settings = services.settings] transaction in
            try transaction.require(permission, principal, repository: repository, settings)
        }
    }
}
