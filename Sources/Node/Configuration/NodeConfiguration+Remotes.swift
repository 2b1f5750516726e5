import GitStore
import Hosting
import Portable

extension NodeConfiguration {
    static func outgoing(_ values: SettingValues) throws -> OutgoingRules {
        var rules = OutgoingRules()
        rules.hosts = try values.strings(SettingTable.remoteHosts).map { text in
            guard let pattern = HostPattern(text) else {
                throw ConfigurationError.inconsistent(
                    "plugin.remotes.hosts has \"\(text)\", which is no host. "
                        + "Write git.example.com, *.example.com or *.")
            }
            return pattern
        }
        rules.privateNetworks = try values.strings(SettingTable.remoteNetworks).map { text in
            guard let network = AddressNetwork(text) else {
                throw ConfigurationError.inconsistent(
                    "plugin.remotes.private-networks has \"\(text)\", which is no network. "
                        + "Write it like 10.1.0.0/16 or fd00::/8.")
            }
            return network
        }
        rules.pushesMax = try values.int(SettingTable.remotePushes)
        return rules
    }
}
