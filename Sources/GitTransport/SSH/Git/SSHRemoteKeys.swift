import Hosting
import Synchronization

/// On a mirror: the keys of those who are logged in, by which the upstream is asked about them.
final class SSHRemoteKeys: Sendable {
    private static let countMax = 20_000
    private let keys = Mutex<[Int64: RemoteCredentials]>([:])

    /// Whose key it is, as the upstream says.
    /// - Returns: nil for a key that nobody registered there, or that may not be used.
    func visitor(_ key: SSHShownKey, authority: any AccessAuthority) async throws -> SSHVisitor? {
        let credentials = RemoteCredentials(key)
        do {
            let rights = try await authority.rights(of: credentials, on: nil, isChange: false)
            guard let number = rights.key else { return nil }
            keys.withLock { keys in
                if keys.count >= Self.countMax { keys = [:] }
                keys[number] = credentials
            }
            return SSHVisitor(key: number, name: rights.user?.name ?? "key \(number)", shown: key)
        } catch HostingError.authenticationFailed {
            return nil
        }
    }

    /// Of these keys, those that the upstream refuses now; while it is away, none.
    func revoked(among numbers: Set<Int64>, authority: any AccessAuthority) async -> Set<Int64> {
        var revoked: Set<Int64> = []
        let known = keys.withLock { $0 }
        for number in numbers {
            guard let credentials = known[number] else { continue }
            do {
                _ = try await authority.rights(of: credentials, on: nil, isChange: false)
            } catch HostingError.authenticationFailed {
                revoked.insert(number)
            } catch {
                continue
            }
        }
        return revoked
    }
}

extension RemoteCredentials {
    /// Those of a key of SSH.
    init(_ key: SSHShownKey) { self.init(.publicKey(algorithm: key.algorithm, key: key.text)) }
}
