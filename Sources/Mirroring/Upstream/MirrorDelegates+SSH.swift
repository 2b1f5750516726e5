package import GitStore
package import Hosting
package import NIOCore
package import Portable

/// What a mirror may do with its own key over SSH: read what it is to have, and nothing else.
extension MirrorDelegates {
    /// The mirror of a key, while it is accepted.
    package func mirror(key: String) async throws -> MirrorVisitor? {
        try await gate.tables.read { try $0.mirror(sshKey: key) }.map {
            MirrorVisitor(number: $0.requestID, name: "mirror \($0.id)")
        }
    }

    /// Those that are no longer accepted.
    package func removed(among mirrors: Set<Int64>) async throws -> Set<Int64> {
        try await gate.tables.read { transaction in
            try mirrors.filter { try transaction.mirror(request: $0)?.state != .accepted }
        }
    }

    /// A repository that a mirror may have now.
    package func repository(_ id: RepositoryID, for mirror: MirrorVisitor) async throws -> Repository {
        let server = try await gate.tables.read { try $0.mirror(request: mirror.number) }
        guard let server, server.state == .accepted else {
            throw HostingError.noSuchRepository(project: "id", slug: "\(id)")
        }
        return try await catalogue.repository(id, for: server)
    }

    /// Writes a pack, or one that was made for another mirror.
    package func writePack(
        _ request: PackRequest, of repository: Repository, to body: (ByteBuffer) async throws -> Void
    ) async throws {
        do {
            try await packs.write(wants: request.wants, haves: request.haves, of: repository, to: body)
        } catch let failure as PackFailure {
            throw HostingError.unavailable(reason: "\(failure)")
        }
    }
}
