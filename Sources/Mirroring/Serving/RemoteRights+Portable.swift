package import Hosting
package import Portable

extension RemoteCredentials {
    /// As they go to the upstream.
    /// - Source: Bitbucket Server's REST API, `POST /rest/mirroring/latest/authenticate`; `anonymous` is
    ///   Perigee's own.
    package var portable: PortableValue {
        switch content {
        case .anonymous: ["anonymous": true]
        case .password(let user, let password): ["username": .string(user), "password": .string(password)]
        case .token(let secret): ["token": .string(secret)]
        case .publicKey(let algorithm, let key):
            ["publicKey": .string(key), "algorithm": .string(algorithm), "username": "git"]
        }
    }

    /// Reads what ``portable`` wrote, or another mirror.
    /// - Returns: nil when something is missing.
    package init?(_ value: PortableValue) {
        if value["anonymous"]?.boolValue == true {
            self = .anonymous
        } else if let token = value["token"]?.stringValue {
            self.init(.token(token))
        } else if let key = value["publicKey"]?.stringValue, let kind = value["algorithm"]?.stringValue {
            self.init(.publicKey(algorithm: kind, key: key))
        } else if let user = value["username"]?.stringValue, let password = value["password"]?.stringValue {
            self.init(.password(user: user, password: password))
        } else {
            return nil
        }
    }
}

extension RemoteRights {
    /// Reads the upstream's answer; nil for anything else.
    package init?(_ value: PortableValue) {
        guard let names = value["permissions"]?.listValue else { return nil }
        var user: User?
        if let id = value["id"]?.integerValue, let name = value["name"]?.stringValue {
            user = User(
                remoteID: UserID(id), name: name, slug: value["slug"]?.stringValue ?? name.lowercased(),
                displayName: value["displayName"]?.stringValue ?? name,
                emailAddress: value["emailAddress"]?.stringValue,
                active: value["active"]?.boolValue ?? true,
                kind: value["type"]?.stringValue.flatMap(UserKind.init(rawValue:)) ?? .normal)
        }
        // A newer upstream may know more of them.
        let permissions = names.compactMap { $0.stringValue.flatMap(Permission.init(rawValue:)) }
        self.init(
            user: user, permissions: PermissionSet(permissions), key: value["keyId"]?.integerValue,
            delegation: value["delegation"]?.stringValue)
    }
}
