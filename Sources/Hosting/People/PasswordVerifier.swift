internal import Crypto
internal import Dispatch
internal import Portable
internal import Synchronization

/// Checks passwords, two at a time and off the concurrency pool, and remembers for a minute which were right.
///
/// What is remembered is an HMAC under a key that lives in this process only; it covers the stored hash, so a
/// changed password is a miss at once.
final class PasswordVerifier: Sendable {
    private struct Remembered {
        var until: [[UInt8]: ContinuousClock.Instant] = [:]
    }

    private static let rememberedFor = Duration.seconds(60)
    private static let rememberedMax = 10_000
    private let cost: PasswordCost
    private let key = SymmetricKey(size: .bits256)
    private let turns = TurnQueue(limit: 2, queueMax: 200)
    private let threads = DispatchQueue(label: "perigee.passwords", attributes: .concurrent)
    private let remembered = Mutex(Remembered())
    private let decoy = Mutex<PasswordHash?>(nil)

    init(cost: PasswordCost) {
        self.cost = cost
    }

    /// Hashes a new password.
    func hash(_ password: String) async throws(HostingError) -> String {
        let cost = cost
        return try await onThread { () throws(HostingError) in
            try PasswordHash(password: password, cost: cost).stored
        }
    }

    /// Whether the password is the user's.
    /// - Parameter stored: Nil for a user that has no password or does not exist, which costs as much time.
    func verify(_ password: String, user: UserID?, stored: String?) async throws(HostingError) -> Bool {
        guard let user, let stored, let hash = PasswordHash(stored: stored) else {
            let decoy = try await decoyHash()
            _ = try await onThread { () throws(HostingError) in try decoy.matches(password) }
            return false
        }
        let tag = tag(password, user: user, stored: stored)
        if isRemembered(tag) { return true }
        return try await onThread { () throws(HostingError) in
            // Another call may have found out while this one waited for its turn.
            if self.isRemembered(tag) { return true }
            guard try hash.matches(password) else { return false }
            self.remember(tag)
            return true
        }
    }

    private func tag(_ password: String, user: UserID, stored: String) -> [UInt8] {
        var authentication = HMAC<SHA256>(key: key)
        for part in [String(user.rawValue), stored, password] {
            authentication.update(data: Array("\(part.utf8.count):".utf8))
            authentication.update(data: Array(part.utf8))
        }
        return Array(authentication.finalize())
    }

    private func isRemembered(_ tag: [UInt8]) -> Bool {
        let now = ContinuousClock.now
        return remembered.withLock { remembered in
            guard let until = remembered.until[tag] else { return false }
            if until > now { return true }
            remembered.until[tag] = nil
            return false
        }
    }

    private func remember(_ tag: [UInt8]) {
        let now = ContinuousClock.now
        remembered.withLock { remembered in
            if remembered.until.count >= Self.rememberedMax {
                remembered.until = remembered.until.filter { $0.value > now }
                if remembered.until.count >= Self.rememberedMax { remembered.until.removeAll() }
            }
            remembered.until[tag] = now + Self.rememberedFor
        }
    }

    private func decoyHash() async throws(HostingError) -> PasswordHash {
        if let decoy = decoy.withLock({ $0 }) { return decoy }
        let cost = cost
        let made = try await onThread { () throws(HostingError) in
            try PasswordHash(password: SecretDigest.randomHex(bytes: 16), cost: cost)
        }
        decoy.withLock { $0 = made }
        return made
    }

    private func onThread<Value: Sendable>(
        _ body: @escaping @Sendable () throws(HostingError) -> Value
    ) async throws(HostingError) -> Value {
        do {
            try await turns.enter(timeout: .seconds(10))
        } catch {
            throw .busy(retryAfter: .seconds(5))
        }
        defer { turns.leave() }
        let outcome: Result<Value, HostingError> = await withCheckedContinuation { continuation in
            threads.async {
                let outcome: Result<Value, HostingError>
                do throws(HostingError) {
                    outcome = .success(try body())
                } catch {
                    outcome = .failure(error)
                }
                continuation.resume(returning: outcome)
            }
        }
        return try outcome.get()
    }
}
