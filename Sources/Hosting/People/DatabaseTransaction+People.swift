internal import Portable
internal import SharedDatabase

extension DatabaseTransaction {
    /// Stores a user whose values have been checked.
    func insertUser(_ new: NewUser, kind: UserKind, passwordHash: String?) throws(DatabaseError) -> User {
        let sql = """
            INSERT INTO app_user (name, name_key, slug, display_name, display_key, email_address,
                email_key, kind,
                active, password_hash, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?) RETURNING id
            """
        let (slug, now) = (try freeSlug(for: new.name, besides: nil), try now())
        let id = UserID(
            try insert(
                sql,
                [
                    .text(new.name), .text(NameRules.key(new.name)), .text(slug), .text(new.displayName),
                    .text(NameRules.key(new.displayName)), .optional(new.emailAddress),
                    .optional(new.emailAddress.map(NameRules.key)), .text(kind.rawValue),
                    .optional(passwordHash),
                    .integer(now),
                ]))
        if new.joinsDefaultGroup, kind == .normal {
            try execute(
                "INSERT INTO group_member (group_id, user_id) VALUES (?, ?)", [.id(defaultGroup()), .id(id)])
        }
        return User(
            id: id, name: new.name, slug: slug, displayName: new.displayName, emailAddress: new.emailAddress,
            active: true, kind: kind, createdMilliseconds: now)
    }

    /// Stores what changes in a user; values have been checked.
    func apply(_ change: UserChange, to user: User) throws -> User {
        let name = change.name ?? user.name
        let displayName = change.displayName ?? user.displayName
        let email = change.emailAddress.map { $0.isEmpty ? nil : $0 } ?? user.emailAddress
        if NameRules.key(name) != NameRules.key(user.name), try self.user(name: name) != nil {
            throw HostingError.duplicate(what: "user", name: name)
        }
        let slug =
            NameRules.key(name) == NameRules.key(user.name)
            ? user.slug : try freeSlug(for: name, besides: user.id)
        let sql = """
            UPDATE app_user SET name = ?, name_key = ?, slug = ?, display_name = ?, display_key = ?,
                email_address = ?, email_key = ?, active = ? WHERE id = ?
            """
        try execute(
            sql,
            [
                .text(name), .text(NameRules.key(name)), .text(slug), .text(displayName),
                .text(NameRules.key(displayName)), .optional(email), .optional(email.map(NameRules.key)),
                .bool(change.active ?? user.active), .id(user.id),
            ])
        if slug != user.slug { try movePersonalProject(of: user.id, to: slug) }
        guard let changed = try self.user(id: user.id) else { throw HostingError.noSuchUser(name: user.name) }
        return changed
    }

    /// The stored hash of a user's password; nil when the user has none.
    func passwordHash(of user: UserID) throws(DatabaseError) -> String? {
        try firstRow("SELECT password_hash FROM app_user WHERE id = ?", [.id(user)])?.optionalText(
            "password_hash")
    }

    /// Replaces the stored hash of a user's password.
    func setPasswordHash(_ hash: String, user: User) throws(DatabaseError) {
        try execute("UPDATE app_user SET password_hash = ? WHERE id = ?", [.text(hash), .id(user.id)])
    }

    /// The group that users join when they are made; made itself when it is missing.
    private func defaultGroup() throws(DatabaseError) -> GroupID {
        if let group = try group(name: Group.everybody) { return group.id }
        let id = GroupID(
            try insert(
                "INSERT INTO app_group (name, name_key) VALUES (?, ?) RETURNING id",
                [.text(Group.everybody), .text(NameRules.key(Group.everybody))]))
        try insertGrant(.licensedUser, for: .group(id), .global)
        return id
    }

    /// A slug for the name that nobody else has, by a number at its end if need be.
    private func freeSlug(for name: String, besides user: UserID?) throws(DatabaseError) -> String {
        let wanted = NameRules.userSlug(name)
        var (slug, number) = (wanted, 1)
        while let row = try firstRow("SELECT id FROM app_user WHERE slug = ?", [.text(slug)]) {
            if let user, try row.id("id", as: UserID.self) == user { break }
            number += 1
            slug = "\(wanted)\(number)"
        }
        return slug
    }

    /// The personal project follows its owner's slug; old addresses of its repositories redirect.
    private func movePersonalProject(of user: UserID, to slug: String) throws(DatabaseError) {
        guard let row = try firstRow("SELECT id, project_key FROM project WHERE owner_id = ?", [.id(user)])
        else {
            return
        }
        let id: ProjectID = try row.id("id")
        try addAliases(project: id, formerKey: try row.text("project_key"))
        try execute(
            "UPDATE project SET project_key = ?, name_key = ? WHERE id = ?",
            [.text("~" + slug), .text("~" + slug), .id(id)])
    }
}
