import HTTPServing
import HTTPTypes
import Hosting
import Hummingbird

/// Lets a caller through to a repository, or says in a sentence why not.
struct GitGate: Sendable {
    let hosting: Hosting

    /// The repository of a request, once its caller may use this service on it.
    /// - Throws: ``RequestError``: 401 with a challenge for an anonymous caller who may not see it, or who
    ///   pushes;
    ///   404 for others who may not see it; 403 without the right to push, and for archived repositories.
    func repository(for service: GitService, context: ServingContext) async throws -> Repository {
        try await repository(at: GitAddress(context), for: service, by: context.principal)
    }

    /// The same; nil when the request is to be passed on to the upstream: on a mirror all pushes, and what
    /// it does not have, or not yet.
    func servedRepository(for service: GitService, context: ServingContext) async throws -> Repository? {
        try await servedRepository(at: GitAddress(context), for: service, by: context.principal)
    }

    /// The same for an address.
    func servedRepository(
        at address: GitAddress, for service: GitService, by principal: Principal
    ) async throws -> Repository? {
        guard hosting.upstreamGit != nil else {
            return try await repository(at: address, for: service, by: principal)
        }
        guard service == .uploadPack else { return nil }
        do {
            return try await repository(at: address, for: service, by: principal)
        } catch {
            let known = try await hosting.repositories.find(
                projectKey: address.projectKey, slug: address.slug)
            guard let known, known.state == .available else { return nil }
            throw error
        }
    }

    /// The repository at an address, once the caller may use this service on it.
    /// - Throws: As ``repository(for:context:)``.
    func repository(
        at address: GitAddress, for service: GitService, by principal: Principal
    ) async throws -> Repository {
        let access: RepositoryAccess
        do {
            access = try await hosting.repositories.access(
                projectKey: address.projectKey, slug: address.slug, by: principal,
                isChange: service == .receivePack)
        } catch let error as HostingError {
            throw Self.unseen(error, address: address, principal: principal)
        }
        if service == .receivePack {
            do {
                try access.requirePushable(by: principal)
            } catch {
                throw Self.unpushable(error, address: address)
            }
        }
        guard access.repository.state == .available else {
            throw HostingError.notReady(project: address.projectKey, slug: address.slug)
        }
        return access.repository
    }

    /// Insists on the content type that belongs to the service: browsers cannot be made to send it.
    /// - Throws: ``RequestError`` with 415.
    func requireType(of request: Request, for service: GitService) throws {
        guard request.headers[.contentType] == service.requestType else {
            throw RequestError(
                .unsupportedMediaType,
                "A request to \(service.rawValue) has the content type \(service.requestType). "
                    + "Use a git client."
            )
        }
    }

    private static func unseen(
        _ error: HostingError, address: GitAddress, principal: Principal
    ) -> any Error {
        switch error {
        case .noSuchRepository, .noSuchProject, .authenticationRequired, .notAuthorised, .invalid:
            if principal.isAnonymous {
                return RequestError.challenge(
                    "Repository \(address.projectKey)/\(address.slug) needs a user. "
                        + "Give a user name and a password or access token.")
            }
            return RequestError(
                .notFound,
                "Repository \(address.projectKey)/\(address.slug) does not exist, or you may not read it. "
                    + "Check the URL, or ask for access.")
        default: return error
        }
    }

    private static func unpushable(_ error: HostingError, address: GitAddress) -> any Error {
        switch error {
        case .authenticationRequired:
            return RequestError.challenge(
                "Pushing to \(address.projectKey)/\(address.slug) needs a user. "
                    + "Give a user name and a password or access token.")
        case .notAuthorised:
            return RequestError(
                .forbidden,
                "You may read \(address.projectKey)/\(address.slug) but not push to it. "
                    + "Ask its administrator for write permission.")
        case .archived: return RequestError(.forbidden, error.message)
        default: return error
        }
    }
}
