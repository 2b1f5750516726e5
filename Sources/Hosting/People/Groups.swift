internal import Portable
internal import SharedDatabase

/// The groups of this server and who is in them.
package struct Groups: Sendable {
    let services: Services

    /// Makes a group.
    /// - Parameter principal: Needs ADMIN.
    /// - Throws: ``HostingError/duplicate(what:name:)``, ``HostingError/invalid(field:message:)``.
    @discardableResult
    package func create(name: String, by principal: Principal) async throws -> Group {
        let name = try NameRules.groupName(name)
        let duplicate = HostingError.duplicate(what: "group", name: name)
        return try await services.write(duplicate: duplicate, changesAccess: false) {
            [settings = services.settings] transaction in
            try transaction.require(.admin, principal, settings)
            guard try transaction.group(name: name) == nil else { throw duplicate }
            let sql = "INSERT INTO app_group (name, name_key) VALUES (?, ?) RETURNING id"
            let id = try transaction.insert(sql, [.text(name), .text(NameRules.key(name))])
            return Group(id: GroupID(id), name: name)
        }
    }

    /// The group of this name, without regard to case; nil when there is none.
    package func find(name: String) async throws -> Group? {
        try await services.read { try $0.group(name: name) }
    }

    /// Groups by name.
    /// - Parameter filter: Part of the name, without regard to case.
    /// - Parameter member: Only groups that this user is in.
    /// - Parameter principal: Needs LICENSED_USER.
    package func list(
        filter: String? = nil, member: String? = nil, page: PageRequest, by principal: Principal
    ) async throws -> Page<Group> {
        try await services.read { [settings = services.settings] transaction in
            try transaction.require(.licensedUser, principal, settings)
            var conditions = ["g.name_key LIKE ? ESCAPE '\\'"]
            var arguments: [DatabaseValue] = [.text(NameRules.likePattern(filter ?? ""))]
            if let member {
                conditions.append("g.id IN (SELECT m.group_id FROM group_member AS m WHERE m.user_id = ?)")
                arguments.append(.id(try transaction.existingUser(name: member).id))
            }
            let sql = """
                SELECT g.id AS id, g.name AS name FROM app_group AS g WHERE
                    \(conditions.joined(separator: " AND "))
                ORDER BY g.name_key LIMIT ? OFFSET ?
                """
            let groups = try transaction.rows(sql, arguments + page.overfetch).map {
                Group(id: try $0.id("id"), name: try $0.text("name"))
            }
            return Page(overfetched: groups, request: page)
        }
    }

    /// Removes a group and its grants.
    /// - Parameter principal: Needs ADMIN (SYS_ADMIN for a group that has SYS_ADMIN).
    /// - Throws: ``HostingError/conflict(message:)`` when nobody would be system administrator any more.
    @discardableResult
    package func delete(name: String, by principal: Principal) async throws -> Group {
        try await services.write { [settings = services.settings] transaction in
            let group = try transaction.existingGroup(name: name)
            try transaction.requireAdmin(over: transaction.isSysadmin(group.id), principal, settings)
            return try transaction.keepingSysadmin {
                try transaction.execute("DELETE FROM app_group WHERE id = ?", [.id(group.id)])
                return group
            }
        }
    }

    /// Puts users into a group; being in it already is fine.
    /// - Parameter principal: Needs ADMIN (SYS_ADMIN for a group that has SYS_ADMIN).
    package func add(users: [String], to group: String, by principal: Principal) async throws {
        try await services.write { [settings = services.settings] transaction in
            let group = try transaction.existingGroup(name: group)
            try transaction.requireAdmin(over: transaction.isSysadmin(group.id), principal, settings)
            for name in users {
                let user = try transaction.existingUser(name: name)
                try transaction.execute(
                    "INSERT INTO group_member (group_id, user_id) VALUES (?, ?) ON CONFLICT DO NOTHING",
                    [.id(group.id), .id(user.id)])
            }
        }
    }

    /// Takes a user out of a group; not being in it is fine.
    /// - Parameter principal: Needs ADMIN (SYS_ADMIN for a group that has SYS_ADMIN).
    /// - Throws: ``HostingError/conflict(message:)`` when nobody would be system administrator any more.
    package func remove(user: String, from group: String, by principal: Principal) async throws {
        try await services.write { [settings = services.settings] transaction in
            let group = try transaction.existingGroup(name: group)
            let user = try transaction.existingUser(name: user)
            try transaction.requireAdmin(over: transaction.isSysadmin(group.id), principal, settings)
            _ = try transaction.keepingSysadmin {
                try transaction.execute(
                    "DELETE FROM group_member WHERE group_id = ? AND user_id = ?",
                    [.id(group.id), .id(user.id)])
            }
        }
    }
}
