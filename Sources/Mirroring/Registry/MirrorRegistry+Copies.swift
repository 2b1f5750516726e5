package import Portable
internal import SharedDatabase

/// How a repository is on a mirror, as far as the upstream knows.
package struct RepositoryMirror: Sendable {
    /// Which mirror.
    package let mirror: MirrorServer
    /// How the repository is there.
    package let status: MirroredStatus
    /// Whether it can be cloned there now: all nodes that serve have it, and there is one.
    package let isAvailable: Bool
    /// What addresses for cloning over SSH begin with there; nil where there is no such door.
    package let sshURL: String?
    /// Whether the user who asks likes this mirror best.
    package let isPreferred: Bool
}

extension MirrorRegistry {
    private struct Node {
        let mirror: String
        let isServing: Bool
        let sshURL: String?
        let copies: IDList?
        let failing: IDList?

        init(row: DatabaseRow) throws {
            mirror = try row.text("mirror_id")
            isServing = try row.text("state") == MirrorNodeState.synchronized.rawValue
            sshURL = try row.optionalText("ssh_url")
            copies = try row.optionalText("copies").flatMap { IDList($0) }
            failing = try row.optionalText("failing").flatMap { IDList($0) }
        }
    }

    /// All mirrors, with how a repository is on each: first the one that the user likes best, then by name.
    /// - Parameter project: The repository's.
    package func mirrors(
        of repository: RepositoryID, in project: ProjectID, for user: UserID?
    ) async throws -> [RepositoryMirror] {
        let (servers, nodes, liked) = try await tables.read { transaction in
            let servers = try transaction.rows(
                """
                SELECT \(MirrorServer.columns), p.project_id AS chosen FROM mirror AS m
                LEFT JOIN mirror_project AS p ON p.mirror_id = m.mirror_id AND p.project_id = ?
                WHERE m.state = 'ACCEPTED' ORDER BY m.name, m.id
                """, [.id(project)]
            ).map { row in
                let server = try MirrorServer(row: row)
                let isChosen = try row.optionalInteger("chosen") != nil
                return (server, server.mode == .allProjects || isChosen)
            }
            guard !servers.isEmpty else { return (servers, [Node](), String?.none) }
            let nodes = try transaction.rows(
                """
                SELECT mirror_id, state, ssh_url, copies, failing FROM mirror_node WHERE seen_at > ?
                ORDER BY mirror_id, node_id
                """, [.integer(try transaction.now() - MirrorNode.leaseMilliseconds)]
            ).map(Node.init(row:))
            let liked = try user.flatMap {
                try transaction.firstRow(
                    "SELECT mirror_id FROM preferred_mirror WHERE user_id = ?", [.id($0)])?.text("mirror_id")
            }
            return (servers, nodes, liked)
        }
        let found = servers.map { server, isChosen in
            let own = nodes.filter { $0.mirror == server.id.rawValue }
            return Self.judge(
                repository, on: server, own, isChosen: isChosen, isPreferred: server.id.rawValue == liked)
        }
        return found.filter(\.isPreferred) + found.filter { !$0.isPreferred }
    }

    private static func judge(
        _ repository: RepositoryID, on server: MirrorServer, _ nodes: [Node], isChosen: Bool,
        isPreferred: Bool
    ) -> RepositoryMirror {
        let serving = nodes.filter(\.isServing)
        let judged = serving.isEmpty ? nodes : serving
        let isHere =
            !judged.isEmpty && judged.allSatisfy { $0.copies?.contains(repository.rawValue) ?? false }
        let isFailing = judged.contains { $0.failing?.contains(repository.rawValue) ?? false }
        let status: MirroredStatus =
            switch (isChosen, isHere, isFailing) {
            case (false, _, _): .notMirrored
            case (_, true, false): .available
            case (_, true, true): .errorAvailable
            case (_, false, false): .initializing
            case (_, false, true): .errorInitializing
            }
        return RepositoryMirror(
            mirror: server, status: status, isAvailable: status.isAvailable && !serving.isEmpty,
            sshURL: judged.compactMap(\.sshURL).first, isPreferred: isPreferred)
    }
}
