/// The configuration of HAProxy 2.6 or newer for a cluster: HTTP and SSH, each with nodes that say RUNNING at
/// `/status`.
///
/// A node that stops says STOPPING while it drains, so it gets no new connection and finishes what it has.
/// Requests that never reached a node are tried on another; none is sent twice.
package struct HAProxyConfiguration: Sendable {
    /// The nodes.
    package var nodes: [BalancedNode]
    /// Where HTTP is served, such as `*:7990`.
    package var httpBind: String
    /// Where SSH is served, such as `*:7999`; without it, or without nodes that serve SSH, there is none.
    package var sshBind: String?
    /// Whether the nodes speak HTTPS themselves; HAProxy passes it on then, unread.
    package var isEncrypted: Bool
    /// Whether SSH connections begin with PROXY protocol, which carries the client's address
    /// (`plugin.ssh.proxy-protocol`).
    package var sendsProxyProtocol: Bool

    /// Names all of it.
    package init(
        nodes: [BalancedNode], httpBind: String, sshBind: String?, isEncrypted: Bool = false,
        sendsProxyProtocol: Bool = false
    ) {
        self.nodes = nodes
        self.httpBind = httpBind
        self.sshBind = sshBind
        self.isEncrypted = isEncrypted
        self.sendsProxyProtocol = sendsProxyProtocol
    }

    /// The file's text.
    package var text: String {
        let check = isEncrypted ? "check check-ssl verify none" : "check"
        var lines = [
            "# HAProxy for a Perigee cluster.",
            "global",
            "    maxconn 10000",
            "",
            "defaults",
            "    mode \(isEncrypted ? "tcp" : "http")",
            "    timeout connect 3s",
            "    # A clone of a large repository may be silent for minutes while git counts.",
            "    timeout client 30m",
            "    timeout server 30m",
            "    timeout http-request 10s",
            "    timeout http-keep-alive 60s",
            "    timeout queue 30s",
            "    timeout check 2s",
            "    retries 3",
            "    option redispatch",
            "    default-server inter 1s fastinter 200ms fall 2 rise 1 on-marked-down shutdown-sessions",
            "",
            "frontend http",
            "    bind \(httpBind)",
            "    default_backend nodes",
            "",
            "backend nodes",
            "    balance leastconn",
            "    option httpchk GET /status",
            "    http-check expect status 200",
        ]
        if !isEncrypted { lines += ["    option forwardfor", "    retry-on conn-failure"] }
        lines += nodes.map { "    server \($0.name) \($0.host):\($0.httpPort) \(check)" }
        lines.append("")
        let withSSH = nodes.compactMap { node in node.sshPort.map { (node, $0) } }
        guard let sshBind, !withSSH.isEmpty else { return lines.joined(separator: "\n") }
        lines += [
            "frontend ssh",
            "    mode tcp",
            "    bind \(sshBind)",
            "    default_backend ssh-nodes",
            "",
            "backend ssh-nodes",
            "    mode tcp",
            "    balance leastconn",
            "    option httpchk GET /status",
            "    http-check expect status 200",
        ]
        let proxy = sendsProxyProtocol ? " send-proxy-v2" : ""
        lines += withSSH.map { node, port in
            "    server \(node.name) \(node.host):\(port) \(check) port \(node.httpPort)\(proxy)"
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
