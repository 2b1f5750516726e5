internal import GitStore
package import NIOCore
package import Portable

/// What somebody who looks after a mirror asks its upstream when no node runs.
package enum UpstreamCheck {
    /// What the mirror may have, as the upstream says.
    /// - Throws: ``PeerError``: 401 when the upstream has not accepted it.
    package static func settings(
        of identity: FarmIdentity, at url: String, by client: PeerClient, node: NodeID
    ) async throws(PeerError) -> PortableValue {
        try await UpstreamConnection(client: client, baseURL: url, identity: identity, node: node).call(
            "GET", "mirrorServers/\(identity.id)/syncSettings", timeout: .seconds(10))
    }

    /// Logs in over SSH as the mirror's fetches do.
    /// - Parameter baseURL: What the operator says of the address; nil for what the upstream says.
    /// - Parameter folder: Where files with the key lie meanwhile.
    /// - Returns: The address, `host:port`.
    /// - Throws: ``PeerError``, `SSHFailure`.
    package static func ssh(
        of identity: FarmIdentity, at url: String, by client: PeerClient, node: NodeID, baseURL: String?,
        folder: String, group: any EventLoopGroup
    ) async throws -> String {
        let connection = UpstreamConnection(client: client, baseURL: url, identity: identity, node: node)
        let facts = try await sshFacts(by: connection)
        let line = try SSHLineFiles(folder: folder).write(
            identity.ssh, facts.hostKeys, base: baseURL ?? facts.baseURL)
        _ = try await GitStore.greet(over: line, group: group)
        return line.shown
    }

    /// How the upstream is reached over SSH.
    /// - Throws: ``PeerError``.
    static func sshFacts(by connection: UpstreamConnection) async throws(PeerError) -> UpstreamSSHFacts {
        let answer = try await connection.call(
            "GET", "mirrorServers/\(connection.identity.id)/ssh", timeout: .seconds(10))
        guard let facts = UpstreamSSHFacts(answer) else {
            throw .notUnderstood(
                url: connection.baseURL, reason: "it does not say how it is reached over SSH")
        }
        return facts
    }
}
