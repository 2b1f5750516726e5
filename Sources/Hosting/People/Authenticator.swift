internal import Portable
internal import SharedDatabase

/// Finds out who a caller is.
package struct Authenticator: Sendable {
    let services: Services

    /// Who shows these credentials.
    ///
    /// A wrong name costs as much time as a wrong password. A password that was right is remembered for a
    /// minute, by a keyed hash only, and forgotten when it changes.
    /// - Parameter credentials: Nil for a caller that shows none, who is anonymous.
    /// - Throws: ``HostingError/authenticationFailed`` for wrong or expired ones and for users that are not
    ///   active;
    ///   ``HostingError/busy(retryAfter:)`` when too many passwords wait to be checked.
    package func authenticate(_ credentials: Credentials?) async throws(HostingError) -> Principal {
        switch credentials {
        case nil: return .anonymous
        case .bearer(let secret):
            if services.localToken.matches(secret) { return .localOperator }
            return try await principal(token: secret, userName: nil)
        case .basic(let user, let password):
            if services.localToken.matches(password) { return .localOperator }
            if password.hasPrefix(AccessTokens.prefix) {
                return try await principal(token: password, userName: user)
            }
            return try await principal(name: user, password: password)
        }
    }

    /// Registers the secret with which the operator at this machine calls; replaces the one before.
    package func setLocalToken(_ secret: String?) { services.localToken.set(secret) }

    private func principal(name: String, password: String) async throws(HostingError) -> Principal {
        let found = try await ask { transaction in
            guard let user = try transaction.user(name: name) else { return nil as (User, String?)? }
            return (user, try transaction.passwordHash(of: user.id))
        }
        let stored = found.flatMap { $0.0.active ? $0.1 : nil }
        let isRight = try await services.passwords.verify(password, user: found?.0.id, stored: stored)
        guard isRight, let user = found?.0, user.active else { throw .authenticationFailed }
        return Principal(user: user)
    }

    private func principal(token secret: String, userName: String?) async throws(HostingError) -> Principal {
        let hash = SecretDigest.hash(secret)
        let found = try await ask { transaction in
            (try transaction.accessToken(secretHash: hash), try transaction.now())
        }
        guard let token = found.0, token.user.active, token.expiresMilliseconds ?? .max > found.1 else {
            throw .authenticationFailed
        }
        if case .user = token.owner, let userName, NameRules.key(userName) != NameRules.key(token.user.name) {
            throw .authenticationFailed
        }
        await noteUse(of: token, now: found.1)
        let grant = TokenGrant(
            id: token.id, owner: token.owner, permissions: PermissionSet(token.permissions))
        return Principal(user: token.user, tokenGrant: grant)
    }

    /// Writes down that a token was used, at most once in ten minutes.
    private func noteUse(of token: AccessToken, now: Int64) async {
        let last = token.lastAuthenticatedMilliseconds ?? 0
        guard now - min(last, now) > 600_000 else { return }
        // A token is good also while the database cannot be written.
        _ = try? await services.write { transaction in
            try transaction.execute(
                "UPDATE access_token SET last_used_at = ? WHERE id = ?", [.integer(now), .id(token.id)])
        }
    }

    private func ask<Value: Sendable>(
        _ question: @escaping @Sendable (DatabaseTransaction) throws -> Value
    ) async throws(HostingError) -> Value {
        do {
            return try await services.lookUp(question)
        } catch let error as HostingError {
            throw error
        } catch {
            throw .unavailable(reason: "\(error)")
        }
    }
}
