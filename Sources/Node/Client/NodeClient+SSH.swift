package import Portable

extension NodeClient {
    /// How the node is reached over SSH.
    package func sshSettings() async throws(NodeClientError) -> PortableValue {
        try await get("/rest/ssh/latest/settings")
    }
}
