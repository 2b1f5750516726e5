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
