/// What an operator may choose about the SSH door.
package struct SSHSettings: Sendable {
    /// The address to listen on.
    package var address: String
    /// The TCP port; 0 takes any free one.
    package var port: Int
    /// How long a client may take to log in.
    package var authenticationTimeout: Duration
    /// After how long without a byte in either direction a connection that waits for its client is closed.
    package var idleTimeout: Duration
    /// After how long without a byte of the client it is asked for a sign of life.
    package var keepaliveInterval: Duration
    /// How many such questions may stay without an answer.
    package var keepaliveMax: Int
    /// After how long bytes that the client's machine has not acknowledged end the connection.
    package var stallTimeout: Duration
    /// How many connections there may be.
    package var connectionsMax: Int
    /// How many of them may be not logged in yet.
    package var unauthenticatedMax: Int
    /// How many there may be from one address.
    package var connectionsPerAddressMax: Int
    /// How many keys a client may offer.
    package var keyOffersMax: Int
    /// How many channels one connection may have open at a time.
    package var channelsMax: Int
    /// Whether every connection begins with a header of the PROXY protocol.
    package var expectsProxyHeader: Bool
    /// Algorithms that are not offered, by their names in the protocol.
    package var disabledAlgorithms: Set<String>

    /// Settings with the defaults of an operator who chose nothing.
    package init(
        address: String = "0.0.0.0", port: Int = 7999, authenticationTimeout: Duration = .seconds(20),
        idleTimeout: Duration = .seconds(300), keepaliveInterval: Duration = .seconds(30),
        keepaliveMax: Int = 3, stallTimeout: Duration = .seconds(120), connectionsMax: Int = 500,
        unauthenticatedMax: Int = 100, connectionsPerAddressMax: Int = 30, keyOffersMax: Int = 20,
        channelsMax: Int = 10, expectsProxyHeader: Bool = false, disabledAlgorithms: Set<String> = []
    ) {
        self.address = address
        self.port = port
        self.authenticationTimeout = authenticationTimeout
        self.idleTimeout = idleTimeout
        self.keepaliveInterval = keepaliveInterval
        self.keepaliveMax = max(keepaliveMax, 1)
        self.stallTimeout = stallTimeout
        self.connectionsMax = max(connectionsMax, 1)
        self.unauthenticatedMax = max(unauthenticatedMax, 1)
        self.connectionsPerAddressMax = max(connectionsPerAddressMax, 1)
        self.keyOffersMax = max(keyOffersMax, 1)
        self.channelsMax = max(channelsMax, 1)
        self.expectsProxyHeader = expectsProxyHeader
        self.disabledAlgorithms = disabledAlgorithms
    }
}
