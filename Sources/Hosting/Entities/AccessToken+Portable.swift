package import Portable

extension AccessToken {
    /// The token in the shape of REST; never with its secret.
    package func portable(links: BaseURL) -> PortableValue {
        var fields: [String: PortableValue] = [
            "id": .string(String(id.rawValue)), "name": .string(name),
            "permissions": .list(permissions.map { .string($0.rawValue) }),
            "createdDate": .integer(createdMilliseconds), "user": user.portable(links: links),
        ]
        if let expiresMilliseconds { fields["expiryDate"] = .integer(expiresMilliseconds) }
        if let lastAuthenticatedMilliseconds {
            fields["lastAuthenticated"] = .integer(lastAuthenticatedMilliseconds)
        }
        return .map(fields)
    }
}
