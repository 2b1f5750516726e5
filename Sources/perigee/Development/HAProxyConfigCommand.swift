import ArgumentParser
import Node

/// `perigee admin haproxy-config`: the configuration of a load balancer.
struct HAProxyConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "haproxy-config",
        abstract: "Print a configuration of HAProxy for a cluster or a mirror farm.",
        discussion: "Example: perigee admin haproxy-config node1=10.0.0.1:7990:7999 node2=10.0.0.2:7990:7999")

    @Argument(help: ArgumentHelp("The nodes.", valueName: "name=host:http-port[:ssh-port]"))
    var nodes: [String]

    @Option(help: "Where HTTP is served.")
    var bind = "*:7990"

    @Option(name: .customLong("ssh-bind"), help: "Where SSH is served.")
    var sshBind = "*:7999"

    @Flag(help: "The nodes speak HTTPS (server.ssl.enabled); it is passed on unread.")
    var https = false

    @Flag(name: .customLong("proxy-protocol"), help: "The nodes expect PROXY protocol on SSH.")
    var proxyProtocol = false

    @Flag(help: "The nodes are those of a mirror farm.")
    var mirror = false

    func run() throws {
        let parsed = try nodes.map { text in
            guard let node = BalancedNode(text) else {
                throw ValidationError(
                    "\"\(text)\" is no node. Write NAME=HOST:HTTPPORT or NAME=HOST:HTTPPORT:SSHPORT.")
            }
            return node
        }
        var configuration = HAProxyConfiguration(
            nodes: parsed, httpBind: bind, sshBind: sshBind, isEncrypted: https,
            sendsProxyProtocol: proxyProtocol)
        configuration.isMirrorFarm = mirror
        print(configuration.text, terminator: "")
    }
}
