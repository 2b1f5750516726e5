package import Portable
internal import SharedDatabase

/// Which projects a mirror has, and whose preferred mirror it is.
extension MirrorRegistry {
    /// The chosen projects, also while the mode is all of them.
    package func projects(of id: MirrorID) async throws -> [ProjectID] {
        try await tables.read { transaction in
            try transaction.rows(
                "SELECT project_id FROM mirror_project WHERE mirror_id = ? ORDER BY project_id",
                [.text(id.rawValue)]
            ).map { try $0.id("project_id") }
        }
    }

    /// Chooses between all and some; what was chosen stays known.
    /// - Throws: ``MirroringError/noSuchMirror(id:)``.
    package func setMode(_ mode: MirrorMode, of id: MirrorID) async throws {
        try await tables.write { transaction in
            let sql = "UPDATE mirror SET mode = ? WHERE mirror_id = ? AND state = 'ACCEPTED'"
            guard try transaction.execute(sql, [.text(mode.rawValue), .text(id.rawValue)]) > 0 else {
                throw MirroringError.noSuchMirror(id: id.rawValue)
            }
        }
        changed()
    }

    /// Adds projects to the chosen ones.
    /// - Parameter replacing: Whether those that are not among them go.
    /// - Throws: ``MirroringError/noSuchMirror(id:)``; ``MirroringError/invalid(field:message:)`` naming a
    ///   project that does not exist.
    package func choose(
        _ projects: [ProjectID], replacing: Bool = false, of id: MirrorID
    ) async throws {
        try await tables.write { transaction in
            guard let server = try transaction.mirror(id), server.state == .accepted else {
                throw MirroringError.noSuchMirror(id: id.rawValue)
            }
            if replacing {
                try transaction.execute(
                    "DELETE FROM mirror_project WHERE mirror_id = ?", [.text(id.rawValue)])
            }
            for project in projects {
                guard try transaction.firstRow("SELECT id FROM project WHERE id = ?", [.id(project)]) != nil
                else {
                    throw MirroringError.invalid(
                        field: "projectIds", message: "There is no project with the id \(project).")
                }
                try transaction.execute(
                    "INSERT INTO mirror_project (mirror_id, project_id) VALUES (?, ?) ON CONFLICT DO NOTHING",
                    [.text(id.rawValue), .id(project)])
            }
        }
        changed()
    }

    /// Takes a project from the chosen ones; one that is not among them is fine.
    package func drop(_ project: ProjectID, of id: MirrorID) async throws {
        try await tables.write { transaction in
            try transaction.execute(
                "DELETE FROM mirror_project WHERE mirror_id = ? AND project_id = ?",
                [.text(id.rawValue), .id(project)])
        }
        changed()
    }

    /// The mirror that a user likes best; nil when none was chosen or it is no more.
    package func preferred(of user: UserID) async throws -> MirrorServer? {
        try await tables.read { transaction in
            try transaction.firstRow(
                """
                SELECT \(MirrorServer.columns) FROM preferred_mirror AS p
                JOIN mirror AS m ON m.mirror_id = p.mirror_id AND m.state = 'ACCEPTED'
                WHERE p.user_id = ?
                """, [.id(user)]
            ).map { try MirrorServer(row: $0) }
        }
    }

    /// Keeps which mirror a user likes best; nil forgets it.
    /// - Throws: ``MirroringError/noSuchMirror(id:)``.
    package func prefer(_ id: MirrorID?, for user: UserID) async throws {
        if let id { _ = try await server(id) }
        try await tables.write { transaction in
            guard let id else {
                try transaction.execute("DELETE FROM preferred_mirror WHERE user_id = ?", [.id(user)])
                return
            }
            try transaction.execute(
                """
                INSERT INTO preferred_mirror (user_id, mirror_id) VALUES (?, ?)
                ON CONFLICT (user_id) DO UPDATE SET mirror_id = excluded.mirror_id
                """, [.id(user), .text(id.rawValue)])
        }
    }
}
