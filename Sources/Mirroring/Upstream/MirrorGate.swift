internal import FoundationEssentials
internal import Portable
internal import SharedDatabase

/// A node of a mirror that was accepted, and that has shown it.
package struct MirrorCaller: Sendable {
    /// Which mirror.
    package let mirror: MirrorServer
    /// Which node of it, as it calls itself.
    package let node: String
    /// Its clock minus this one's, in milliseconds; the way of the request is in it.
    package let clockOffset: Int64
}

/// Lets mirrors through that show a token.
package struct MirrorGate: Sendable {
    let tables: MirrorDatabase

    /// The mirror that signed a request.
    /// - Throws: ``MirroringError/unauthorized(_:)``, also for a mirror that was not accepted, or is no more.
    package func caller(token text: String, _ digest: RequestDigest) async throws -> MirrorCaller {
        let (token, server) = try await read(text)
        guard let server, server.state == .accepted else {
            throw MirroringError.unauthorized(.unknownIssuer(token.issuer))
        }
        return try await admit(token, digest, server: server)
    }

    /// Checks a request that its sender signed with the key that it sends along.
    /// - Returns: The sender's clock minus this one's, in milliseconds.
    /// - Throws: ``MirroringError/unauthorized(_:)``.
    package func check(
        token text: String, _ digest: RequestDigest, publicKey: [UInt8]
    ) async throws -> Int64 {
        let token = try parse(text)
        guard token.issuer == MirrorID(publicKey: publicKey).rawValue else {
            throw MirroringError.unauthorized(.unknownIssuer(token.issuer))
        }
        let now = Clock.now
        try check(token, digest, publicKey: publicKey, now: now)
        try await use(token)
        return token.issuedAt - now
    }

    private func admit(
        _ token: RequestToken, _ digest: RequestDigest, server: MirrorServer
    ) async throws -> MirrorCaller {
        let now = Clock.now
        try check(token, digest, publicKey: server.properties.publicKey, now: now)
        try await use(token)
        return MirrorCaller(mirror: server, node: token.node, clockOffset: token.issuedAt - now)
    }

    private func parse(_ text: String) throws -> RequestToken {
        do throws(TokenError) {
            return try RequestToken(text)
        } catch {
            throw MirroringError.unauthorized(error)
        }
    }

    private func read(_ text: String) async throws -> (RequestToken, MirrorServer?) {
        let token = try parse(text)
        guard let id = MirrorID(token.issuer) else { return (token, nil) }
        return (token, try await tables.read { try $0.mirror(id) })
    }

    private func check(
        _ token: RequestToken, _ digest: RequestDigest, publicKey: [UInt8], now: Int64
    ) throws {
        do throws(TokenError) {
            try token.check(digest, publicKey: publicKey, now: now)
        } catch {
            throw MirroringError.unauthorized(error)
        }
    }

    /// Takes the token out of use, in the whole cluster.
    private func use(_ token: RequestToken) async throws {
        let isNew = try await tables.write(durability: .process) { transaction in
            // What is long over need not be remembered; a few at a time.
            try transaction.execute(
                """
                DELETE FROM mirror_token_use WHERE token_id IN (
                    SELECT token_id FROM mirror_token_use WHERE expires_at < ? ORDER BY expires_at LIMIT 4)
                """, [.integer(Clock.now - RequestToken.clockTolerance)])
            return try transaction.execute(
                "INSERT INTO mirror_token_use (token_id, expires_at) VALUES (?, ?) ON CONFLICT DO NOTHING",
                [.text(token.id), .integer(token.rememberUntil)]) > 0
        }
        guard isNew else { throw MirroringError.unauthorized(.replayed) }
    }
}

/// This machine's clock, which requests between machines are compared by.
enum Clock {
    /// In milliseconds since 1970.
    static var now: Int64 { Int64(clamping: Int(Date().timeIntervalSince1970 * 1000)) }
}
