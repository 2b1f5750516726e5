internal import GitStore
internal import Hosting
package import Portable

/// How an upstream is reached over SSH, as it tells its mirrors over the signed connection.
struct UpstreamSSHFacts: Sendable, Hashable {
    /// `ssh://git@host:port`.
    let baseURL: String
    /// As `known_hosts` has them: kind and base64.
    let hostKeys: [String]

    /// So many keys may one server have.
    private static let keysMax = 20

    /// Reads the upstream's answer; nil for anything else.
    init?(_ value: PortableValue) {
        guard let url = value["baseUrl"]?.stringValue, (try? SSHLine.address(url)) != nil,
            let keys = value["hostKeys"]?.listValue, (1...Self.keysMax).contains(keys.count)
        else { return nil }
        // A line of its own could say more than a key.
        let texts = keys.compactMap { $0.stringValue.flatMap { try? SSHPublicKey($0).text } }
        guard texts.count == keys.count else { return nil }
        baseURL = url
        hostKeys = texts
    }
}

extension Mirroring {
    /// On the upstream: how mirrors reach it over SSH.
    /// - Throws: ``MirroringError/conflict(message:)`` when it serves no SSH.
    package func sshFacts() throws(MirroringError) -> PortableValue {
        guard let facts = catalogue.hosting.keys.server.facts else {
            throw .conflict(
                message: "This server does not serve SSH. Set plugin.ssh.enabled=true here, or "
                    + "plugin.mirroring.fetch.transport=https on the mirror.")
        }
        return [
            "baseUrl": .string(facts.baseURL),
            "hostKeys": .list(facts.hostKeys.map { .string("\($0.algorithm) \($0.text)") }),
        ]
    }
}
