internal import Hosting
internal import Portable
internal import SharedDatabase

/// Which mirrors there are, on the upstream: those that ask to be accepted, and those that were.
package struct MirrorRegistry: Sendable {
    let tables: MirrorDatabase
    /// Called after the mirrors or what they have has changed here.
    let changed: @Sendable () -> Void

    /// So many requests may wait; anybody can send one.
    static let pendingMax = 100

    /// Takes the request of a mirror's node, the first time and again.
    ///
    /// A node of a farm that was accepted needs nobody's approval if its properties are the farm's.
    /// - Throws: ``MirroringError/conflict(message:)`` naming what differs from the farm, and when too many
    ///   requests wait; ``MirroringError/invalid(field:message:)``.
    package func register(_ properties: MirrorProperties) async throws -> MirrorServer {
        try check(properties)
        let server = try await tables.write { transaction in
            let now = try transaction.now()
            if let known = try transaction.mirror(properties.id) {
                if known.state == .accepted, let what = properties.difference(from: known.properties) {
                    throw MirroringError.conflict(
                        message: "This node does not match mirror \(known.id): \(what). "
                            + "Give all nodes of the farm the same properties.")
                }
                try transaction.execute(
                    """
                    UPDATE mirror SET name = ?, base_url = ?, mirror_type = ?, product_version = ?,
                        ssh_key = ?, seen_at = ? WHERE mirror_id = ?
                    """, Self.values(properties) + [.integer(now), .text(properties.id.rawValue)])
            } else {
                let waiting = try transaction.firstRow(
                    "SELECT COUNT(*) AS waiting FROM mirror WHERE state = 'PENDING'")
                guard (try waiting?.integer("waiting") ?? 0) < Self.pendingMax else {
                    throw MirroringError.conflict(
                        message: "\(Self.pendingMax) mirroring requests wait for a decision. "
                            + "An administrator has to decide on some of them first.")
                }
                try transaction.execute(
                    """
                    INSERT INTO mirror (name, base_url, mirror_type, product_version, ssh_key, seen_at,
                        mirror_id, public_key, state, mode, created_at)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'PENDING', 'SELECTED_PROJECTS', ?)
                    """,
                    Self.values(properties) + [
                        .integer(now), .text(properties.id.rawValue), .blob(properties.publicKey),
                        .integer(now),
                    ])
                try transaction.restoreSelection(of: properties.id)
            }
            guard let server = try transaction.mirror(properties.id) else {
                throw MirroringError.noSuchMirror(id: properties.id.rawValue)
            }
            return server
        }
        return server
    }

    /// The mirrors in a state, by their names; nil gives all.
    package func list(_ state: MirrorState? = nil) async throws -> [MirrorServer] {
        try await tables.read { transaction in
            try transaction.rows(
                """
                SELECT \(MirrorServer.columns) FROM mirror AS m WHERE ? = '' OR m.state = ?
                ORDER BY m.name, m.id
                """, [.text(state?.rawValue ?? ""), .text(state?.rawValue ?? "")]
            ).map { try MirrorServer(row: $0) }
        }
    }

    /// A mirror that was accepted.
    /// - Throws: ``MirroringError/noSuchMirror(id:)``.
    package func server(_ id: MirrorID) async throws -> MirrorServer {
        guard let server = try await tables.read({ try $0.mirror(id) }), server.state == .accepted else {
            throw MirroringError.noSuchMirror(id: id.rawValue)
        }
        return server
    }

    /// A request by its number.
    /// - Throws: ``MirroringError/noSuchRequest(id:)``.
    package func request(_ id: Int64) async throws -> MirrorServer {
        guard let server = try await tables.read({ try $0.mirror(request: id) }) else {
            throw MirroringError.noSuchRequest(id: id)
        }
        return server
    }

    /// Accepts or rejects a request; deciding the same again does nothing.
    /// - Parameter mode: Which projects it gets; nil leaves what was chosen, also before it was removed; none
    ///   at first.
    /// - Throws: ``MirroringError/noSuchRequest(id:)``; ``MirroringError/conflict(message:)`` for a mirror
    ///   that was accepted and is to be rejected: remove it instead.
    @discardableResult
    package func decide(
        _ request: Int64, _ decision: MirrorState, mode: MirrorMode? = nil
    ) async throws -> MirrorServer {
        let server = try await tables.write { transaction in
            guard let known = try transaction.mirror(request: request) else {
                throw MirroringError.noSuchRequest(id: request)
            }
            if known.state == .accepted, decision != .accepted {
                throw MirroringError.conflict(
                    message: "Mirror \(known.id) was accepted. Remove it if it shall no longer mirror.")
            }
            if decision == .accepted, known.mode == .allProjects, mode == .selectedProjects {
                throw MirroringError.conflict(
                    message: known.state == .accepted
                        ? "Mirror \(known.id) has all projects. Choose some by its syncSettings, which say "
                            + "what would be removed."
                        : "Mirror \(known.id) had all projects before. Accept it without a mode, and choose "
                            + "some by its syncSettings then, which say what would be removed.")
            }
            try transaction.execute(
                "UPDATE mirror SET state = ?, mode = ?, decided_at = ? WHERE id = ?",
                [
                    .text(decision.rawValue), .text((mode ?? known.mode).rawValue),
                    .integer(try transaction.now()), .integer(request),
                ])
            guard let server = try transaction.mirror(request: request) else {
                throw MirroringError.noSuchRequest(id: request)
            }
            return server
        }
        changed()
        return server
    }

    /// Removes a request that was not accepted.
    /// - Throws: ``MirroringError/noSuchRequest(id:)``.
    package func removeRequest(_ id: Int64) async throws {
        try await tables.write { transaction in
            guard let known = try transaction.mirror(request: id), known.state != .accepted else {
                throw MirroringError.noSuchRequest(id: id)
            }
            try transaction.keepSelection(of: known)
            try transaction.execute("DELETE FROM mirror WHERE id = ?", [.integer(id)])
        }
    }

    /// Removes a mirror that was accepted: from here on it is nobody. What it has on its disk stays there,
    /// and which projects it had is kept for when it is accepted again.
    /// - Throws: ``MirroringError/noSuchMirror(id:)``.
    package func remove(_ id: MirrorID) async throws {
        try await tables.write { transaction in
            guard let known = try transaction.mirror(id), known.state == .accepted else {
                throw MirroringError.noSuchMirror(id: id.rawValue)
            }
            try transaction.keepSelection(of: known)
            // The tables that hang on it go with it.
            try transaction.execute("DELETE FROM mirror WHERE mirror_id = ?", [.text(id.rawValue)])
        }
        changed()
    }

    /// Stores where a mirror is, and its version.
    /// - Throws: ``MirroringError/noSuchMirror(id:)``, ``MirroringError/invalid(field:message:)``.
    package func update(_ id: MirrorID, baseURL: String?, version: String?) async throws -> MirrorServer {
        if let baseURL { try checkURL(baseURL) }
        try await tables.write { transaction in
            let sql = """
                UPDATE mirror SET base_url = COALESCE(?, base_url),
                    product_version = COALESCE(?, product_version)
                WHERE mirror_id = ? AND state = 'ACCEPTED'
                """
            guard
                try transaction.execute(
                    sql, [.optional(baseURL), .optional(version), .text(id.rawValue)]) > 0
            else { throw MirroringError.noSuchMirror(id: id.rawValue) }
        }
        return try await server(id)
    }

    private static func values(_ properties: MirrorProperties) -> [DatabaseValue] {
        [
            .text(properties.name), .text(properties.baseURL), .text(properties.type),
            .text(properties.version),
            .optional(properties.sshKey.flatMap { try? SSHPublicKey($0).text }),
        ]
    }

    private func check(_ properties: MirrorProperties) throws {
        guard properties.publicKey.count == 32 else {
            throw MirroringError.invalid(
                field: "publicKey", message: "\"publicKey\" is not an Ed25519 key of 32 bytes.")
        }
        guard (1...255).contains(properties.name.utf8.count) else {
            throw MirroringError.invalid(
                field: "mirrorName", message: "\"mirrorName\" has to have 1 to 255 bytes.")
        }
        guard properties.type == "SINGLE" || properties.type == "FARM" else {
            throw MirroringError.invalid(
                field: "mirrorType", message: "\"mirrorType\" is neither SINGLE nor FARM.")
        }
        guard (1...100).contains(properties.version.utf8.count) else {
            throw MirroringError.invalid(
                field: "productVersion", message: "\"productVersion\" has to have 1 to 100 bytes.")
        }
        if let key = properties.sshKey, (try? SSHPublicKey(key)) == nil {
            throw MirroringError.invalid(
                field: "sshKey", message: "\"sshKey\" is no public key such as \"ssh-ed25519 AAAA...\".")
        }
        try checkURL(properties.baseURL)
    }

    private func checkURL(_ url: String) throws {
        let isPlain = url.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "\"") }
        let host = ["https://", "http://"].first(where: url.hasPrefix).map { url.dropFirst($0.count) }
        guard isPlain, let host, !host.isEmpty, !host.hasPrefix("/"), !host.hasPrefix("-"),
            !host.contains("@"), !host.contains("?"), !host.contains("#"), url.utf8.count <= 1000
        else {
            throw MirroringError.invalid(
                field: "mirrorBaseUrl",
                message: "\"mirrorBaseUrl\" is not the URL of a server, such as https://mirror.example.com.")
        }
    }
}
