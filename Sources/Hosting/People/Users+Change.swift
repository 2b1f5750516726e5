internal import Portable
internal import SharedDatabase

extension Users {
    /// Changes what is given of the user of this name.
    /// - Parameter principal: Needs ADMIN (SYS_ADMIN for a user that has SYS_ADMIN), or to be the user itself
    ///   for
    ///   display name and e-mail address.
    /// - Throws: ``HostingError/conflict(message:)`` for the last system administrator becoming inactive.
    package func update(name: String, _ change: UserChange, by principal: Principal) async throws -> User {
        var change = change
        change.name = try change.name.map { try NameRules.userName($0) }
        change.displayName = try change.displayName.map { try NameRules.displayName($0) }
        change.emailAddress = try change.emailAddress.map { try NameRules.emailAddress($0) ?? "" }
        return try await services.write { [change, settings = services.settings] transaction in
            let user = try transaction.existingUser(name: name)
            let isOwn = principal.user?.id == user.id && principal.tokenGrant == nil
            if !isOwn || change.name != nil || change.active != nil {
                try transaction.requireAdmin(over: transaction.isSysadmin(user.id), principal, settings)
            }
            return try transaction.keepingSysadmin { try transaction.apply(change, to: user) }
        }
    }

    /// Sets a user's password; verified logins with the old one end at once.
    /// - Parameter principal: Needs ADMIN (SYS_ADMIN for a user that has SYS_ADMIN).
    package func setPassword(name: String, password: String, by principal: Principal) async throws {
        try NameRules.password(password)
        // Asked before the work of hashing, and again when it is stored.
        try await services.permissions.require(.admin, principal)
        let hash = try await services.passwords.hash(password)
        try await services.write { [settings = services.settings] transaction in
            let user = try transaction.existingUser(name: name)
            try transaction.requireAdmin(over: transaction.isSysadmin(user.id), principal, settings)
            try transaction.setPasswordHash(hash, user: user)
        }
    }

    /// Sets the caller's own password.
    /// - Throws: ``HostingError/authenticationFailed`` when `current` is wrong.
    package func changeOwnPassword(current: String, new: String, by principal: Principal) async throws {
        guard let user = principal.user, principal.tokenGrant == nil else {
            throw HostingError.authenticationRequired
        }
        try NameRules.password(new)
        let stored = try await services.read { try $0.passwordHash(of: user.id) }
        guard try await services.passwords.verify(current, user: user.id, stored: stored) else {
            throw HostingError.authenticationFailed
        }
        let hash = try await services.passwords.hash(new)
        try await services.write { try $0.setPasswordHash(hash, user: user) }
    }

    /// Removes a user, its grants and tokens.
    /// - Parameter principal: Needs ADMIN (SYS_ADMIN for a user that has SYS_ADMIN).
    /// - Throws: ``HostingError/notEmpty(project:repositories:)`` while its personal project has
    ///   repositories;
    ///   ``HostingError/conflict(message:)`` for oneself and the last system administrator.
    @discardableResult
    package func delete(name: String, by principal: Principal) async throws -> User {
        try await services.write { [settings = services.settings] transaction in
            let user = try transaction.existingUser(name: name)
            try transaction.requireAdmin(over: transaction.isSysadmin(user.id), principal, settings)
            guard user.id != principal.user?.id else {
                throw HostingError.conflict(
                    message: "You cannot delete yourself. Ask another administrator to do it.")
            }
            if let row = try transaction.firstRow("SELECT id FROM project WHERE owner_id = ?", [.id(user.id)])
            {
                try transaction.deleteProject(id: row.id("id"))
            }
            return try transaction.keepingSysadmin {
                try transaction.execute("DELETE FROM app_user WHERE id = ?", [.id(user.id)])
                return user
            }
        }
    }
}
