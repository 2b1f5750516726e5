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
}
