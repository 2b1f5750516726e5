package import GitTransport

extension NodeConfiguration {
    /// Git over SSH.
    package struct SSH: Sendable {
        /// What the door is made with; nil when there is none.
        package var settings: SSHSettings?
        /// What clone URLs begin with; `nil` when it follows from the base URL and the port.
        package var baseURL: String?
    }

    static func ssh(_ values: SettingValues) throws -> SSH {
        let baseURL = try values.optionalString(SettingTable.sshBaseURL)
        if let baseURL, !isSSHAddress(baseURL) {
            throw ConfigurationError.inconsistent(
                "plugin.ssh.baseurl is \"\(baseURL.prefix(100))\", which does not begin with ssh:// "
                    + "and a host. Give an address such as ssh://git.example.org:7999.")
        }
        guard try values.bool(SettingTable.sshEnabled) else { return SSH(settings: nil, baseURL: baseURL) }
        let disabled = try [
            SettingTable.sshDisabledCiphers, SettingTable.sshDisabledMACs,
            SettingTable.sshDisabledKeyExchanges,
        ].flatMap { try values.strings($0) }
        let settings = SSHSettings(
            address: try values.optionalString(SettingTable.sshAddress)
                ?? values.string(SettingTable.serverAddress),
            port: try values.int(SettingTable.sshPort),
            authenticationTimeout: try values.seconds(SettingTable.sshAuthenticationTimeout),
            idleTimeout: try values.seconds(SettingTable.sshIdleTimeout),
            keepaliveInterval: try values.seconds(SettingTable.sshKeepaliveInterval),
            keepaliveMax: try values.int(SettingTable.sshKeepaliveMax),
            stallTimeout: try values.seconds(SettingTable.sshStallTimeout),
            connectionsMax: try values.int(SettingTable.sshConnectionsMax),
            unauthenticatedMax: try values.int(SettingTable.sshUnauthenticatedMax),
            connectionsPerAddressMax: try values.int(SettingTable.sshAddressMax),
            keyOffersMax: try values.int(SettingTable.sshKeyOffersMax),
            channelsMax: try values.int(SettingTable.sshChannelsMax),
            expectsProxyHeader: try values.bool(SettingTable.sshProxyProtocol),
            disabledAlgorithms: Set(disabled))
        return SSH(settings: settings, baseURL: baseURL)
    }

    private static func isSSHAddress(_ text: String) -> Bool {
        text.hasPrefix("ssh://") && text.utf8.count > 6 && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f }
    }
}
