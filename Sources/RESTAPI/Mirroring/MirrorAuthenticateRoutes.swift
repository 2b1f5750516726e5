import HTTPServing
import Hosting
import Hummingbird
import Mirroring
import Portable

/// `POST /rest/mirroring/.../authenticate`: a mirror asks who its caller is, and what the caller may do.
/// - Source: Bitbucket Server's REST API, Mirroring; `permissions`, `keyId`, `delegation` and anonymous
///   callers are Perigee's own.
struct MirrorAuthenticateRoutes {
    let hosting: Hosting
    let mirroring: Mirroring

    func add(to group: RouterGroup<ServingContext>) {
        group.answer(.post, "authenticate") { request in
            let asked = try await mirroring.admit(request)
            guard let credentials = asked.body["credentials"].flatMap({ RemoteCredentials($0) }) else {
                throw RequestError.badRequest(
                    "credentials",
                    "\"credentials\" is incomplete. Give a user name and a password, a token, or a "
                        + "public key and its algorithm.")
            }
            let verdict = try await mirroring.judge.judge(
                credentials, on: repository(asked.body["repositoryId"]), for: asked.caller.mirror.id)
            return try .json(shape(verdict, credentials))
        }
    }

    private func repository(_ value: PortableValue?) throws -> RepositoryID? {
        switch value {
        case nil, .null?: return nil
        case let value?:
            // The original's mirrors send numbers, and strings where they call it external.
            guard let id = value.integerValue ?? value.stringValue.flatMap({ Int64($0) }) else {
                throw RequestError.badRequest(
                    "repositoryId", "\"repositoryId\" is not the id of a repository.")
            }
            return RepositoryID(id)
        }
    }

    /// `RestApplicationUserWithPermissions`.
    private func shape(_ verdict: CallerJudge.Verdict, _ credentials: RemoteCredentials) -> PortableValue {
        var fields: [String: PortableValue] = [:]
        if let user = verdict.principal.user {
            fields = user.portable(links: hosting.settings.baseURL).mapValue ?? [:]
        }
        let all = verdict.global.union(verdict.repository ?? .none).permissions
        var effective = all
        if verdict.key == nil {
            // The highest of each level.
            let global = verdict.global.permissions.filter { $0.level == .global }.last
            let repository = verdict.repository?.permissions.filter { $0.level == .repository }.last
            effective = [global, repository].compactMap { $0 }
        }
        fields["effectivePermissions"] = .list(effective.map { .string($0.rawValue) })
        fields["permissions"] = .list(all.map { .string($0.rawValue) })
        if let key = verdict.key { fields["keyId"] = .integer(key.id.rawValue) }
        if let delegation = verdict.delegation { fields["delegation"] = .string(delegation) }
        return .map(fields)
    }
}
