package import Portable
internal import SharedDatabase

/// Which projects a mirror has.
package struct MirrorSelection: Sendable, Hashable {
    /// All, or the chosen ones.
    package var mode: MirrorMode
    /// The chosen ones, also while all are mirrored.
    package var projects: Set<ProjectID>

    /// Both.
    package init(mode: MirrorMode, projects: Set<ProjectID>) {
        self.mode = mode
        self.projects = projects
    }

    /// Whether a project belongs to it.
    package func has(_ project: ProjectID) -> Bool { mode == .allProjects || projects.contains(project) }
}

extension MirrorRegistry {
    /// What a mirror has.
    /// - Throws: ``MirroringError/noSuchMirror(id:)``.
    package func selection(of id: MirrorID) async throws -> MirrorSelection {
        let server = try await server(id)
        return MirrorSelection(mode: server.mode, projects: Set(try await projects(of: id)))
    }

    /// Stores what a mirror has. What is no longer in it goes from the mirror's disks.
    /// - Throws: ``MirroringError/noSuchMirror(id:)``; ``MirroringError/invalid(field:message:)`` naming a
    ///   project that does not exist.
    package func select(_ selection: MirrorSelection, of id: MirrorID) async throws {
        try await tables.write { transaction in
            let sql = "UPDATE mirror SET mode = ? WHERE mirror_id = ? AND state = 'ACCEPTED'"
            guard
                try transaction.execute(sql, [.text(selection.mode.rawValue), .text(id.rawValue)]) > 0
            else { throw MirroringError.noSuchMirror(id: id.rawValue) }
            try transaction.execute("DELETE FROM mirror_project WHERE mirror_id = ?", [.text(id.rawValue)])
            for project in selection.projects.sorted() {
                guard try transaction.firstRow("SELECT id FROM project WHERE id = ?", [.id(project)]) != nil
                else {
                    throw MirroringError.invalid(
                        field: "projectIds", message: "There is no project with the id \(project).")
                }
                try transaction.execute(
                    "INSERT INTO mirror_project (mirror_id, project_id) VALUES (?, ?)",
                    [.text(id.rawValue), .id(project)])
            }
        }
        changed()
    }
}

/// What a mirror that was removed had: its copies are still on its disks, and would go without a word if it
/// were accepted with less.
extension DatabaseTransaction {
    func keepSelection(of server: MirrorServer) throws {
        let projects = try rows(
            "SELECT project_id FROM mirror_project WHERE mirror_id = ? ORDER BY project_id",
            [.text(server.id.rawValue)]
        ).map { try $0.integer("project_id") }
        guard server.mode == .allProjects || !projects.isEmpty else { return }
        try execute(
            """
            INSERT INTO mirror_former (mirror_id, mode, projects) VALUES (?, ?, ?)
            ON CONFLICT (mirror_id) DO UPDATE SET mode = excluded.mode, projects = excluded.projects
            """,
            [
                .text(server.id.rawValue), .text(server.mode.rawValue),
                .text(projects.map { "\($0)" }.joined(separator: ",")),
            ])
    }

    /// Gives a mirror that asks again what it had, as far as it still exists.
    func restoreSelection(of id: MirrorID) throws {
        let name = DatabaseValue.text(id.rawValue)
        guard
            let former = try firstRow(
                "SELECT mode, projects FROM mirror_former WHERE mirror_id = ?", [name])
        else { return }
        try execute("UPDATE mirror SET mode = ? WHERE mirror_id = ?", [.text(try former.text("mode")), name])
        for project in try former.text("projects").split(separator: ",").compactMap({ Int64($0) }) {
            try execute(
                """
                INSERT INTO mirror_project (mirror_id, project_id) SELECT ?, id FROM project WHERE id = ?
                """, [name, .integer(project)])
        }
        try execute("DELETE FROM mirror_former WHERE mirror_id = ?", [name])
    }
}
