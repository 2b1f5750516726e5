package import GitStore
package import Portable

/// Where this server may push to, as the operator says.
package struct OutgoingRules: Sendable {
    /// The hosts.
    package var hosts: [HostPattern] = [HostPattern("*")].compactMap(\.self)
    /// Networks in which addresses are reached that are not public; and the only ones in which passwords may
    /// go over plain HTTP.
    package var privateNetworks: [AddressNetwork] = []
    /// How many pushes run at a time; at least 1.
    package var pushesMax = 4

    /// Every public address, four pushes at a time.
    package init() {}

    /// The addresses that may be connected to.
    /// - Throws: ``HostingError/refused(text:)`` where there is none among them.
    func allowed(
        _ found: [NetworkAddress], for remote: RemoteAddress
    ) throws(HostingError) -> [NetworkAddress] {
        let isNamed = { (address: NetworkAddress) in privateNetworks.contains { $0.contains(address) } }
        let allowed = found.filter { $0.isPublic || isNamed($0) }
        guard !allowed.isEmpty else {
            throw .refused(
                text: "The host \(remote.host) is at an address that is not public. An operator can allow it "
                    + "with plugin.remotes.private-networks.")
        }
        guard remote.scheme != .http || allowed.allSatisfy(isNamed) else {
            throw .refused(
                text: "The host \(remote.host) is reached over plain HTTP, which is for the networks of "
                    + "plugin.remotes.private-networks alone. Use https:// or ssh://.")
        }
        return allowed
    }
}
