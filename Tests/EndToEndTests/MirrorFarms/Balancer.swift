import Foundation
import NodeTestKit
import Testing

/// HAProxy before a cluster, as `perigee admin haproxy-config` configures it.
final class Balancer: Sendable {
    private let process: ChildProcess
    private let directory: TemporaryDirectory
    let port: Int

    private init(_ process: ChildProcess, _ directory: TemporaryDirectory, port: Int) {
        self.process = process
        self.directory = directory
        self.port = port
    }

    deinit { process.killGroup() }

    var url: String { "http://127.0.0.1:\(port)" }

    /// Starts it, and waits until it passes requests on to each of the nodes.
    static func start(before nodes: [RunningNode]) async throws -> Balancer {
        let port = try SocketConnection.freePort()
        let servers = nodes.enumerated().map { "node\($0 + 1)=127.0.0.1:\($1.port)" }
        let printed = try await ChildProcess.run(
            [Executable.perigee, "admin", "haproxy-config", "--bind", "127.0.0.1:\(port)"] + servers,
            environment: Executable.environment)
        try #require(printed.succeeded, "\(printed.errors)")
        let directory = try TemporaryDirectory("haproxy")
        let file = try directory.write(printed.output, to: "haproxy.cfg")
        let process = try await ChildProcess.start(
            ["/usr/sbin/haproxy", "-db", "-f", file], environment: Executable.environment)
        let balancer = Balancer(process, directory, port: port)
        let http = HTTPClient(port: port)
        try await waitUntil("a balancer that serves", detail: { process.output + process.errors }) {
            (try? await http.get("/status").status) == 200
        }
        return balancer
    }

    /// Ends it with all its connections.
    func kill() { process.killGroup() }
}
