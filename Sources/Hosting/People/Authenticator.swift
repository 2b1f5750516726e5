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
    ///   ``HostingError/busy(retryAfter:)`` when too many passwords wait to be checked. On a mirror none of
    ///   these: the upstream is asked when something depends on it.
    package func authenticate(_ credentials: Credentials?) async throws(HostingError) -> Principal {
        switch credentials {
        case nil: return .anonymous
        case .bearer(let secret):
            if services.localToken.matches(secret) { return .localOperator }
            if isMirror { return Principal(remote: RemoteCredentials(.token(secret))) }
            return try await principal(token: secret, userName: nil)
        case .basic(let user, let password):
            if services.localToken.matches(password) { return .localOperator }
            if isMirror {
                return Principal(remote: RemoteCredentials(.password(user: user, password: password)))
            }
            if password.hasPrefix(AccessTokens.prefix) {
                return try await principal(token: password, userName: user)
            }
            return try await principal(name: user, password: password)
        }
    }

    /// Registers the secret with which the operator at this machine calls; replaces the one before.
    package func setLocalToken(_ secret: String?) { services.localToken.set(secret) }

    private var isMirror: Bool { services.remote.authority != nil }

    private func principal(name: String, password: String) async throws(HostingError) -> Principal {
        let found = try await ask(services.memory.users, name) { transaction in
            guard let user = try transaction.user(name: name) else { return nil }
            return AccessMemory.NamedUser(
                user: user, passwordHash: try transaction.passwordHash(of: user.id))
        }.answer
        let stored = found.flatMap { $0.user.active ? $0.passwordHash : nil }
        let isRight = try await services.passwords.verify(password, user: found?.user.id, stored: stored)
        guard isRight, let user = found?.user, user.active else { throw .authenticationFailed }
        return Principal(user: user)
    }

    private func principal(token secret: String, userName: String?) async throws(HostingError) -> Principal {
        let hash = SecretDigest.hash(secret)
        let (found, age) = try await ask(services.memory.tokens, hash) { transaction in
            try transaction.accessToken(secretHash: hash).map {
                AccessMemory.TimedToken(token: $0, now: try transaction.now())
            }
        }
        guard let found else { throw .authenticationFailed }
        let token = found.token
        let now = found.now + Int64((age ?? .zero) / .milliseconds(1))
        guard token.user.active, token.expiresMilliseconds ?? .max > now else { throw .authenticationFailed }
        if case .user = token.owner, let userName, NameRules.key(userName) != NameRules.key(token.user.name) {
            throw .authenticationFailed
        }
        if age == nil { await noteUse(of: token, now: now) }
        let grant = TokenGrant(
            id: token.id, owner: token.owner, permissions: PermissionSet(token.permissions))
        return Principal(user: token.user, tokenGrant: grant)
    }

    /// Writes down that a token was used, at most once in ten minutes.
    private func noteUse(of token: AccessToken, now: Int64) async {
        let last = token.lastAuthenticatedMilliseconds ?? 0
        guard now - min(last, now) > 600_000 else { return }
        // A token is good also while the database cannot be written.
        _ = try? await services.write(changesAccess: false) { transaction in
            try transaction.execute(
                "UPDATE access_token SET last_used_at = ? WHERE id = ?", [.integer(now), .id(token.id)])
        }
    }

    private func ask<Question, Answer: Sendable>(
        _ memory: RememberedAnswers<Question, Answer>, _ question: Question,
        _ body: @escaping @Sendable (DatabaseTransaction) throws -> Answer?
    ) async throws(HostingError) -> (answer: Answer?, age: Duration?) {
        do {
            return try await services.recalling(memory, question, body)
        } catch let error as HostingError {
            throw error
        } catch {
            throw .unavailable(reason: "\(error)")
        }
    }
}
