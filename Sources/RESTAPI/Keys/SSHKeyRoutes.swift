import HTTPServing
import Hosting
import Hummingbird
import Portable

/// `/rest/ssh/...`: the keys of users, and how the SSH door is reached.
struct SSHKeyRoutes {
    let hosting: Hosting

    func add(to group: RouterGroup<ServingContext>) {
        group.answer(.get, "keys") { request in
            let page = try await hosting.keys.list(
                of: user(request).id, page: request.page(), by: request.principal)
            return try .page(page) { $0.portable }
        }
        group.answer(.post, "keys", create)
        group.answer(.delete, "keys") { request in
            try await hosting.keys.deleteAll(of: user(request).id, by: request.principal)
            return .noContent
        }
        group.answer(.get, "keys/:keyId") { request in
            try .json(try await hosting.keys.get(request.keyID(), by: request.principal).portable)
        }
        group.answer(.delete, "keys/:keyId") { request in
            try await hosting.keys.delete(request.keyID(), by: request.principal)
            return .noContent
        }
        group.answer(.get, "settings", settings)
    }

    private func create(_ request: RESTRequest) async throws -> Answer {
        let body = try await request.body()
        let key = try await hosting.keys.add(
            body.requiredText("text"), label: body.text("label"),
            expiryDays: body.integer("expiryDays").map { Int(clamping: $0) }, for: user(request).id,
            by: request.principal)
        return try .json(key.portable, status: .created)
    }

    /// For everybody, as the keys by which a server proves itself are for those who have not logged in yet.
    private func settings(_ request: RESTRequest) async throws -> Answer {
        guard let facts = hosting.keys.server.facts else { return try .json(["enabled": false]) }
        let hostKeys = facts.hostKeys.map { key -> PortableValue in
            [
                "algorithmType": .string(key.algorithm), "text": .string("\(key.algorithm) \(key.text)"),
                "fingerprint": .string(key.fingerprint),
            ]
        }
        return try .json([
            "enabled": true, "baseUrl": .string(facts.baseURL), "port": .integer(Int64(facts.port)),
            "accessKeysEnabled": true,
            "fingerprint": [
                "algorithm": "SHA256", "value": .string(facts.hostKeys.first?.fingerprint ?? ""),
            ],
            "hostKeys": .list(hostKeys),
        ])
    }

    /// Whose keys are meant: the caller's, or those of the query's `user`, by name or slug.
    private func user(_ request: RESTRequest) async throws -> User {
        guard let name = request.query.filledText("user") else {
            guard let user = request.principal.user else { throw HostingError.authenticationRequired }
            return user
        }
        // Whether there is such a user is for licensed users to know.
        try await hosting.permissions.require(.licensedUser, request.principal)
        if let user = try await hosting.users.find(name: name) { return user }
        guard let user = try await hosting.users.find(slug: name) else {
            throw HostingError.noSuchUser(name: name)
        }
        return user
    }
}

extension RESTRequest {
    /// The number of the key that the path names.
    /// - Throws: ``HostingError/noSuchKey(id:)`` for what is no number.
    func keyID() throws -> SSHKeyID {
        let text = try path("keyId")
        guard let number = Int64(text) else { throw HostingError.noSuchKey(id: Excerpt.of(text)) }
        return SSHKeyID(rawValue: number)
    }
}
