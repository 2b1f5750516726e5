package import Portable

extension Project {
    /// The project in the shape of REST and webhooks.
    package func portable(links: BaseURL) -> PortableValue {
        var fields: [String: PortableValue] = [
            "key": .string(key), "id": .integer(id.rawValue), "name": .string(name),
            "public": .bool(isPublic),
            "type": .string(kind.rawValue), "scope": "PROJECT",
        ]
        if let description { fields["description"] = .string(description) }
        if let owner {
            fields["owner"] = owner.portable(links: links)
            fields["links"] = links.selfLink("/users/" + owner.slug)
        } else {
            fields["links"] = links.selfLink("/projects/" + key)
        }
        return .map(fields)
    }
}
