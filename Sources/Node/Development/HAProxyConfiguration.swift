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
    /// Whether the nodes are those of a mirror farm, which answer 200 to `/status` while they have all.
    package var isMirrorFarm = false

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
        (preamble + [""] + http + [""] + ssh).joined(separator: "\n")
    }

    private var check: String { isEncrypted ? "check check-ssl verify none" : "check" }

    private var preamble: [String] {
        [
            isMirrorFarm
                ? "# HAProxy for a Perigee mirror farm: nodes that lack something get no clients."
                : "# HAProxy for a Perigee cluster.",
            "global",
            "    maxconn 4000",
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
            "    # At once at another node, where one cannot be reached.",
            "    option redispatch 1",
            "    # A machine that is gone without a word is noticed, on either side.",
            "    option clitcpka",
            "    clitcpka-idle 60s",
            "    option srvtcpka",
            "    srvtcpka-idle 10s",
            "    srvtcpka-intvl 5s",
            "    srvtcpka-cnt 3",
            "    # A node that stops goes on with what it has, so its sessions are left alone; with",
            "    # server.shutdown-delay=2 it takes requests until these checks have found out.",
            "    default-server inter 500ms fastinter 100ms fall 2 rise 1 init-addr last,libc,none",
        ]
    }

    private var http: [String] {
        [
            "frontend http",
            "    bind \(httpBind)",
            "    default_backend nodes",
            "",
            "backend nodes",
        ] + balancing + (isEncrypted ? [] : ["    option forwardfor", "    retry-on conn-failure"])
            + nodes.map { "    server \($0.name) \($0.host):\($0.httpPort) \(check)" }
    }

    private var ssh: [String] {
        let served = nodes.compactMap { node in node.sshPort.map { (node, $0) } }
        guard let sshBind, !served.isEmpty else { return [] }
        let proxy = sendsProxyProtocol ? " send-proxy-v2" : ""
        return [
            "frontend ssh",
            "    mode tcp",
            "    bind \(sshBind)",
            "    default_backend ssh-nodes",
            "",
            "backend ssh-nodes",
            "    mode tcp",
        ] + balancing
            + served.map { node, port in
                "    server \(node.name) \(node.host):\(port) \(check) port \(node.httpPort)\(proxy)"
            } + [""]
    }

    private var balancing: [String] {
        ["    balance leastconn", "    option httpchk GET /status", "    http-check expect status 200"]
    }
}
