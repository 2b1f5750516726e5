package import Portable
internal import SharedDatabase

/// The users of this server.
package struct Users: Sendable {
    let services: Services

    /// Makes a user.
    /// - Parameter principal: Needs ADMIN.
    /// - Throws: ``HostingError/duplicate(what:name:)``, ``HostingError/invalid(field:message:)``.
    @discardableResult
    package func create(_ new: NewUser, by principal: Principal) async throws -> User {
        let checked = try new.checked()
        let hash = try await hash(checked.password)
        return try await services.write(
            duplicate: .duplicate(what: "user", name: checked.name), changesAccess: false
        ) {
            [settings = services.settings] transaction in
            try transaction.require(.admin, principal, settings)
            guard try transaction.user(name: checked.name) == nil else {
                throw HostingError.duplicate(what: "user", name: checked.name)
            }
            return try transaction.insertUser(checked, kind: .normal, passwordHash: hash)
        }
    }

    /// Makes the first administrator: a user with SYS_ADMIN; or gives SYS_ADMIN to an existing user of that
    /// name.
    /// - Parameter principal: Not asked for: the caller is the node at its first start.
    @discardableResult
    package func createSysadmin(_ new: NewUser) async throws -> User {
        let checked = try new.checked()
        let hash = try await hash(checked.password)
        return try await services.write { [settings = services.settings] transaction in
            let user =
                try transaction.user(name: checked.name)
                ?? transaction.insertUser(checked, kind: .normal, passwordHash: hash)
            try transaction.set(.sysAdmin, for: .user(user.id), .global, .localOperator, settings)
            return user
        }
    }

    /// Whether any active user has SYS_ADMIN, directly or through a group.
    package func hasSysadmin() async throws -> Bool { try await services.read { try $0.hasSysadmin() } }

    /// A password that nobody chose: 24 letters, digits, `-` or `_`, 144 random bits.
    package static func generatePassword() -> String { SecretDigest.randomText(bytes: 18) }

    /// The user of this name, without regard to case; nil when there is none.
    package func find(name: String) async throws -> User? {
        try await services.read { try $0.user(name: name) }
    }

    /// The user whose address ends in this slug; nil when there is none.
    package func find(slug: String) async throws -> User? {
        try await services.read { transaction in
            let sql = "SELECT \(User.columns) FROM app_user AS u WHERE u.slug = ?"
            return try transaction.firstRow(sql, [.text(NameRules.key(slug))]).map(User.init(row:))
        }
    }

    /// The user of this id; nil when there is none.
    package func get(_ id: UserID) async throws -> User? { try await services.read { try $0.user(id: id) } }

    /// Users by name; service users are left out.
    /// - Parameter filter: Part of the name, display name or e-mail address, without regard to case.
    /// - Parameter group: Only members of this group.
    /// - Parameter principal: Needs LICENSED_USER.
    package func list(
        filter: String? = nil, group: String? = nil, page: PageRequest, by principal: Principal
    ) async throws -> Page<User> {
        try await services.read { [settings = services.settings] transaction in
            try transaction.require(.licensedUser, principal, settings)
            var conditions = ["u.kind = 'NORMAL'"]
            var arguments: [DatabaseValue] = []
            if let filter, !filter.isEmpty {
                let pattern = DatabaseValue.text(NameRules.likePattern(filter))
                conditions.append(
                    "(u.name_key LIKE ? ESCAPE '\\' OR u.display_key LIKE ? ESCAPE '\\' "
                        + "OR u.email_key LIKE ? ESCAPE '\\')")
                arguments += [pattern, pattern, pattern]
            }
            if let group {
                conditions.append("u.id IN (SELECT m.user_id FROM group_member AS m WHERE m.group_id = ?)")
                arguments.append(.id(try transaction.existingGroup(name: group).id))
            }
            let sql = """
                SELECT \(User.columns) FROM app_user AS u WHERE \(conditions.joined(separator: " AND "))
                ORDER BY u.name_key LIMIT ? OFFSET ?
                """
            let users = try transaction.rows(sql, arguments + page.overfetch).map(User.init(row:))
            return Page(overfetched: users, request: page)
        }
    }

    func hash(_ password: String?) async throws -> String? {
        guard let password else { return nil }
        return try await services.passwords.hash(password)
    }
}

extension NewUser {
    /// The same with every value checked.
    /// - Throws: ``HostingError/invalid(field:message:)``.
    fileprivate func checked() throws(HostingError) -> NewUser {
        if let password { try NameRules.password(password) }
        return NewUser(
            name: try NameRules.userName(name), displayName: try NameRules.displayName(displayName),
            emailAddress: try NameRules.emailAddress(emailAddress), password: password,
            joinsDefaultGroup: joinsDefaultGroup)
    }
}
