import Hosting
import PluginHost
import Portable

/// Who is let in to an endpoint of a plugin's.
struct RouteAdmission: Sendable {
    private static let anybody = "ANYBODY"
    private static let permissions: [Permission] = [
        .licensedUser, .repoRead, .repoWrite, .repoAdmin, .admin, .sysAdmin,
    ]
    /// What an endpoint may ask for.
    static let names = [anybody] + permissions.map(\.rawValue)

    /// Nil lets in everybody.
    private let permission: Permission?
    private let services: HostServices

    /// - Throws: ``HostFailure`` of kind `.misuse` when path and permission are not about the same.
    init(_ call: HostCall, _ options: PortableValue, _ pattern: RoutePattern, _ services: HostServices) throws
    {
        permission = options["permission"]?.stringValue.flatMap(Permission.init(rawValue:))
        self.services = services
        let isAboutRepository = permission?.level == .repository
        try call.require(
            isAboutRepository == pattern.parameters.contains("repository"), argument: 1, "options",
            isAboutRepository
                ? "permission: \(permission?.rawValue ?? "") needs {repository} in the path"
                : "permission: REPO_READ, REPO_WRITE or REPO_ADMIN expected for a path with {repository}")
    }

    /// Lets a caller in.
    /// - Throws: ``HostingError``; ``RouteRefusal`` where the repository is not there for the caller.
    func admit(_ caller: any Sendable, _ parameters: [String: String]) async throws -> RouteFacts {
        let hosting = try services.require(\.hosting)
        let principal = caller as? Principal ?? .anonymous
        var facts: RouteFacts = [:]
        if let user = principal.user { facts["user"] = user.luaTable }
        guard let permission else { return facts }
        guard permission.level == .repository else {
            try await hosting.permissions.require(permission, principal)
            return facts
        }
        let text = parameters["repository"] ?? ""
        guard let number = Int64(text), number > 0,
            let repository = try await hosting.repositories.get(RepositoryID(rawValue: number)),
            try await hosting.permissions.has(.repoRead, principal, repository: repository)
        else {
            // The same words whether there is none or the caller may not know of it.
            throw RouteRefusal.nothingThere(
                "There is no repository with the id \"\(text.cut(toBytes: 40))\" that you may read.")
        }
        if permission != .repoRead {
            try await hosting.permissions.require(permission, principal, repository: repository)
        }
        facts["repository"] = repository.luaTable
        return facts
    }
}
