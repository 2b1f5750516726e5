internal import Portable

/// The pushes that are going on, and the guards that judge them.
package struct Pushes: Sendable {
    let services: Services

    /// Adds a guard; all are asked, in the order in which they were added, until one refuses.
    package func addGuard(_ pushGuard: any PushGuard) { services.guards.add(pushGuard) }

    /// Insists that the principal may push to the repository now.
    /// - Throws: ``HostingError/noSuchRepository(project:slug:)`` when it may not even see it,
    ///   ``HostingError/authenticationRequired`` or ``HostingError/notAuthorised(permission:message:)``
    /// without
    ///   REPO_WRITE, ``HostingError/archived(project:slug:)``, ``HostingError/notReady(project:slug:)``; on a
    ///   mirror always ``HostingError/conflict(message:)``.
    package func requirePushable(_ repository: Repository, by principal: Principal) async throws {
        guard services.remote.authority == nil else { throw HostingError.isMirror }
        let access = try await services.lookUp { [settings = services.settings] transaction in
            let current = try transaction.existing(repository)
            let rights = try transaction.permissionFacts(principal, repository: current, settings: settings)
            return RepositoryAccess(repository: current, permissions: rights.effective, isRedirect: false)
        }
        try access.requirePushable(by: principal)
    }

    /// Begins a push, whose permission has been checked by ``requirePushable(_:by:)``.
    /// - Parameter transport: `http` or `ssh`, for logs.
    package func begin(repository: Repository, principal: Principal, transport: String) -> PushSession {
        let session = PushSession(
            services: services, repository: repository, principal: principal, transport: transport)
        services.sessions.add(session)
        return session
    }

    /// The push that this secret belongs to; nil when there is none or it is over.
    package func session(secret: String) -> PushSession? { services.sessions.session(secret: secret) }
}

extension RepositoryAccess {
    /// Insists, by what is known already, that the principal may push to the repository.
    /// - Throws: As ``Pushes/requirePushable(_:by:)``.
    package func requirePushable(by principal: Principal) throws(HostingError) {
        try require(.repoWrite, principal)
        let place = (repository.project.key, repository.slug)
        guard !repository.isArchived else { throw .archived(project: place.0, slug: place.1) }
        guard repository.state == .available else { throw .notReady(project: place.0, slug: place.1) }
    }
}
