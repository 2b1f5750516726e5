package import Hosting
internal import Portable
internal import Synchronization

/// On the upstream: lets mirrors act for the holders of keys, whom it has seen at the mirror's door, and for
/// themselves.
package final class MirrorDelegates: GitDelegates {
    let gate: MirrorGate
    let catalogue: UpstreamCatalogue
    let packs: MirrorPacks
    private let hosting: Hosting
    private let identity = Mutex<UpstreamIdentity?>(nil)

    init(gate: MirrorGate, catalogue: UpstreamCatalogue, packs: MirrorPacks) {
        self.gate = gate
        self.catalogue = catalogue
        self.packs = packs
        hosting = catalogue.hosting
    }

    /// What lets a mirror act for the holder of a key, for a minute.
    package func delegation(of key: SSHKey, to mirror: MirrorID) async throws -> String {
        try Delegation(key: key.id.rawValue, user: key.user.id.rawValue, mirror: mirror, now: Clock.now)
            .sign(try await upstream().key)
    }

    /// The holder of the key that a mirror speaks for.
    package func principal(
        token: String, delegation: String?, method: String, target: String, projectKey: String, slug: String
    ) async throws -> Principal {
        let caller: MirrorCaller
        do {
            caller = try await gate.caller(
                token: token, RequestDigest(method: method, target: target, body: nil))
        } catch is MirroringError {
            throw HostingError.authenticationFailed
        }
        guard let delegation,
            let known = Delegation(
                delegation, publicKey: try await upstream().key.publicKey, now: Clock.now),
            known.mirror == caller.mirror.id,
            // With the rights of now: the key may have been taken away since.
            let principal = try await hosting.keys.principal(
                key: SSHKeyID(known.key), projectKey: projectKey, slug: slug),
            principal.user?.id.rawValue == known.user
        else { throw HostingError.authenticationFailed }
        return principal
    }

    /// Who this server is; read once, as it never changes.
    private func upstream() async throws -> UpstreamIdentity {
        if let known = identity.withLock({ $0 }) { return known }
        let read = try await UpstreamIdentity.load(gate.tables)
        identity.withLock { $0 = read }
        return read
    }
}
