package import Portable

extension User {
    /// The user in the shape of REST and webhooks.
    package func portable(links: BaseURL) -> PortableValue {
        [
            "name": .string(name), "emailAddress": .optional(emailAddress), "id": .integer(id.rawValue),
            "displayName": .string(displayName), "active": .bool(active), "slug": .string(slug),
            "type": .string(kind.rawValue), "links": links.selfLink("/users/" + slug),
        ]
    }
}

extension Principal {
    /// Who did something, in the shape of webhooks; the server itself is a service without an id of its own.
    package func portable(links: BaseURL) -> PortableValue {
        if let user { return user.portable(links: links) }
        let name = isLocalOperator ? "perigee" : "anonymous"
        return [
            "name": .string(name), "emailAddress": .null, "id": 0,
            "displayName": .string(isLocalOperator ? "Perigee" : "Anonymous"), "active": true,
            "slug": .string(name),
            "type": "SERVICE",
        ]
    }
}

extension BaseURL {
    /// `{"self": [{"href": …}]}` for a path that begins with a slash.
    func selfLink(_ path: String) -> PortableValue { ["self": [["href": .string(text + path)]]] }
}
