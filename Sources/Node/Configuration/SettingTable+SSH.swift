extension SettingTable {
    static let sshEnabled = Setting(
        "plugin.ssh.enabled", .boolean, "true", "Whether Git is served over SSH.")
    static let sshPort = Setting(
        "plugin.ssh.port", .integer(0...65_535), "7999",
        "The TCP port for SSH. 0 takes any free one; `run/node.json` tells which.")
    static let sshAddress = Setting(
        "plugin.ssh.address", .text, nil,
        "The address to listen on for SSH. Without it, that of `server.address`.")
    static let sshBaseURL = Setting(
        "plugin.ssh.baseurl", .text, nil,
        "What SSH clone URLs begin with, such as `ssh://git.example.org:7999`. Without it, the host of "
            + "`setup.baseUrl` and the port for SSH.")
    static let sshAuthenticationTimeout = Setting(
        "plugin.ssh.auth-timeout", .seconds(1...600), "20", "How long a client may take to log in.")
    static let sshIdleTimeout = Setting(
        "plugin.ssh.idle-timeout", .seconds(1...86_400), "300",
        "After how long without a byte in either direction a connection that waits for its client is closed.")
    static let sshKeepaliveInterval = Setting(
        "plugin.ssh.keepalive-interval", .seconds(1...3_600), "30",
        "After how long without a byte of the client it is asked for a sign of life.")
    static let sshKeepaliveMax = Setting(
        "plugin.ssh.keepalive-max", .integer(1...100), "3",
        "How many such questions may stay without an answer before the connection is closed.")
    static let sshStallTimeout = Setting(
        "plugin.ssh.stall-timeout", .seconds(1...86_400), "120",
        "After how long without an acknowledgement of what was sent the system gives a connection up.")
    static let sshConnectionsMax = Setting(
        "plugin.ssh.session.max", .integer(1...100_000), "500",
        "How many SSH connections there may be; further ones are refused with a line.")
    static let sshUnauthenticatedMax = Setting(
        "plugin.ssh.session.unauthenticated.max", .integer(1...100_000), "100",
        "How many of them may be not logged in yet.")
    static let sshAddressMax = Setting(
        "plugin.ssh.session.address.max", .integer(1...100_000), "30",
        "How many SSH connections there may be from one address.")
    static let sshKeyOffersMax = Setting(
        "plugin.ssh.key-offers.max", .integer(1...1_000), "20",
        "How many keys a client may offer before it is sent away.")
    static let sshChannelsMax = Setting(
        "plugin.ssh.channels.max", .integer(1...100), "10",
        "How many commands one connection may run at a time.")
    static let sshProxyProtocol = Setting(
        "plugin.ssh.proxy-protocol", .boolean, "false",
        "Whether a balancer begins every connection with a header of the PROXY protocol, version 1 or 2. "
            + "Connections without one are then closed.")
    static let sshDisabledCiphers = Setting(
        "plugin.ssh.disabled.ciphers", .list, "", "Ciphers that are not offered, by their names in SSH.")
    static let sshDisabledMACs = Setting(
        "plugin.ssh.disabled.macs", .list, "", "MACs that are not offered.")
    static let sshDisabledKeyExchanges = Setting(
        "plugin.ssh.disabled.key.exchanges", .list, "", "Key exchange methods that are not offered.")

    static let ssh = [
        sshEnabled, sshPort, sshAddress, sshBaseURL, sshAuthenticationTimeout, sshIdleTimeout,
        sshKeepaliveInterval, sshKeepaliveMax, sshStallTimeout, sshConnectionsMax, sshUnauthenticatedMax,
        sshAddressMax, sshKeyOffersMax, sshChannelsMax, sshProxyProtocol, sshDisabledCiphers,
        sshDisabledMACs, sshDisabledKeyExchanges,
    ]
}
