package import Portable

extension SSHKey {
    /// The key in the shape of REST.
    package var portable: PortableValue {
        var fields: [String: PortableValue] = [
            "id": .integer(id.rawValue), "text": .string(text), "label": .string(label ?? ""),
            "algorithmType": .string(algorithm), "bitLength": .integer(Int64(bitLength)),
            "fingerprint": .string(fingerprint), "createdDate": .integer(createdMilliseconds),
        ]
        if let expiresMilliseconds {
            fields["expiryDays"] = .integer((expiresMilliseconds - createdMilliseconds) / 86_400_000)
        }
        if let lastAuthenticatedMilliseconds {
            fields["lastAuthenticated"] = .integer(lastAuthenticatedMilliseconds)
        }
        return .map(fields)
    }
}

extension SSHAccess {
    /// The access key in the shape of REST.
    /// - Parameter owner: The shape of the project or repository that it opens.
    package func portable(owner shape: PortableValue) -> PortableValue {
        let name =
            switch owner {
            case .project: "project"
            case .repository: "repository"
            }
        return ["key": key.portable, "permission": .string(permission.rawValue), name: shape]
    }
}
