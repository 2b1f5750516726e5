import ClusterServices
import GitStore
import GitTransport
import Glibc
import Hosting
import Logging
import Mirroring
import PluginHost
import Portable
import ServiceLifecycle
import SharedDatabase

/// The order in which the parts of a node start; they stop in reverse.
struct NodeStages: Sendable {
    let parts: NodeParts
    let configuration: NodeConfiguration
    let layout: HomeLayout
    let id: NodeID
    let status: NodeStatus
    let gate: RequestGate
    let ssh: SSHPart

    /// Database, cluster, plugins, hosting, hooks, HTTP, SSH; and last the announcement that the node serves.
    ///
    /// Plugins are up before hosting, which at its start delivers the events that an earlier run still owes
    /// them,
    /// and at its end those that are under way.
    /// HTTP does not wait for the others: it binds at once and answers `/status` with STARTING until they
    /// are up. In a stop it answers with STOPPING until what runs has come to its end, and then closes.
    func services(http: HTTPService) -> [any Service] {
        let signals = (0..<7).map { _ in StartSignal() }
        let watch = DatabaseWatch(
            parts.database, interval: configuration.databaseCheckInterval, status: status,
            logger: Logger(label: "perigee.database"))
        return [
            stage(
                "database", after: nil, isUp: signals[0],
                start: {
                    try await startDatabase()
                    watch.start()
                },
                stop: { [parts] in
                    watch.stop()
                    await parts.database.close()
                }),
            stage(
                "cluster", after: signals[0], isUp: signals[1],
                start: { [parts] in
                    try await parts.cluster.start()
                    try await parts.mirroring.start()
                },
                stop: { [parts] in
                    await parts.mirroring.stop()
                    await parts.cluster.stop()
                }),
            stage(
                "plugins", after: signals[1], isUp: signals[2],
                start: { [parts] in await parts.plugins.start() },
                stop: { [parts] in await parts.plugins.stop() }),
            stage(
                "hosting", after: signals[2], isUp: signals[3], start: startHosting,
                stop: { [parts] in await parts.hosting.stop() }),
            stage(
                "hooks", after: signals[3], isUp: signals[4],
                start: { [parts] in try await parts.hooks.start() },
                serve: { [parts] in try await parts.hooks.run() },
                stop: { [parts] in await parts.hooks.stop() }),
            http,
            stage(
                "ssh", after: signals[4], isUp: signals[5], start: { [ssh] in try await ssh.start() },
                stop: { [ssh] in await ssh.stop() }),
            stage(
                "announcement", after: signals[5], isUp: signals[6], start: { try await announce(http.port) },
                stop: {
                    withdraw()
                    // Both doors at once: what runs behind one must not keep the other open.
                    async let sshIsOver: Void = ssh.stop()
                    await gate.drain()
                    await sshIsOver
                }),
            StopSign(status: status, delay: configuration.server.shutdownDelay),
        ]
    }

    private func stage(
        _ name: String, after: StartSignal?, isUp: StartSignal,
        start: @escaping @Sendable () async throws -> Void,
        serve: (@Sendable () async throws -> Void)? = nil, stop: @escaping @Sendable () async -> Void
    ) -> StagedService {
        StagedService(
            name: name, after: after, isUp: isUp, logger: Logger(label: "perigee.lifecycle"),
            start: { [status] in
                do {
                    try await start()
                } catch {
                    status.fail()
                    throw error
                }
            }, serve: serve, stop: stop)
    }

    private func startDatabase() async throws {
        try await DatabaseStart(
            database: parts.database, layout: layout, isServer: configuration.database != nil,
            logger: Logger(label: "perigee.database")
        ).run()
    }

    private func startHosting() async throws {
        _ = try await parts.git.checkGit()
        try await parts.hosting.start()
        try await FirstSysadmin(
            users: parts.hosting.users, configuration: configuration.sysadmin,
            logger: Logger(label: "perigee.hosting"), show: { SystemFile.show($0, on: 2) }
        ).makeIfMissing()
        parts.hosting.authenticator.setLocalToken(try LocalToken.make(run: layout.run))
    }

    private func announce(_ bound: BoundPort) async throws {
        let port = try await bound.wait()
        Allocator.returnUnused()
        let url = ServedAddress.url(
            address: configuration.server.address, port: port, isTLS: configuration.server.tls != nil)
        if configuration.baseURL == nil { parts.hosting.settings.baseURL.set(url) }
        parts.cluster.membership.announce(httpPort: port)
        ssh.announce()
        parts.mirroring.follower?.announce(
            address: ServedAddress.url(
                address: configuration.cluster.address ?? configuration.server.address, port: port,
                isTLS: configuration.server.tls != nil))
        status.serve()
        try NodeFile(
            processID: Int(getpid()), nodeID: id, url: url, httpPort: port, sshPort: ssh.port
        ).write(run: layout.run)
        SystemFile.show("Perigee serves \(url) (node \(id.rawValue), home \(layout.home))\n", on: 1)
        Logger(label: "perigee.lifecycle").notice(
            "serving", metadata: ["url": "\(url)", "node.id": "\(id.rawValue)"])
        await parts.plugins.announceServing()
        parts.routes.noteWhole()
    }

    private func withdraw() {
        NodeFile.remove(run: layout.run)
        LocalToken.remove(run: layout.run)
    }
}

/// The address that this machine reaches the node at.
enum ServedAddress {
    /// The URL; an address that stands for all of the machine's becomes the loopback's.
    static func url(address: String, port: Int, isTLS: Bool) -> String {
        let host: String =
            switch address {
            case "0.0.0.0", "": "127.0.0.1"
            case "::", "[::]": "[::1]"
            default: address.contains(":") && !address.hasPrefix("[") ? "[\(address)]" : address
            }
        return "\(isTLS ? "https" : "http")://\(host):\(port)"
    }
}
