import Foundation
import NodeTestKit
import Portable

/// Another queue, which `peers.py` gives tasks that do nothing.
enum Peer: String, CaseIterable {
    case procrastinate, pgqueuer, rq

    var title: String {
        switch self {
        case .procrastinate: "Procrastinate, a lock per bucket"
        case .pgqueuer: "pgqueuer, without order"
        case .rq: "RQ on Redis, one worker"
        }
    }

    /// Procrastinate is the slower the more tasks with locks there are; here it has few.
    var tasks: Int { self == .procrastinate ? 640 : 6_400 }

    func run(
        _ server: ThrowawayPostgres, python: String
    ) async throws -> (rate: Double, misplaced: Int64) {
        let redis = self == .rq ? try Redis() : nil
        defer { redis?.stop() }
        try await server.makeDatabase("peer_\(rawValue)")
        let address = redis?.socket ?? server.tcpURL("peer_\(rawValue)")
        let script = "\(Executable.sourceRoot)/Benchmarks/cluster-executor/peers.py"
        let outcome = try await ChildProcess.run(
            // RQ is Debian's, and so is its Python.
            [self == .rq ? "/usr/bin/python3" : python, script, rawValue, address, "\(tasks)", "20"],
            environment: Executable.environment, directory: "/", deadline: .seconds(300))
        guard outcome.succeeded, let line = outcome.output.split(separator: "\n").last else {
            throw TestKitError.command(line: script, outcome: outcome)
        }
        let result = try JSON.decode(Array(line.utf8))
        guard let misplaced = result["misplaced"]?.integerValue, let seconds = result["seconds"]?.doubleValue
        else { throw TestKitError.command(line: script, outcome: outcome) }
        return (Double(tasks) / seconds, misplaced)
    }
}

/// A Redis server of its own, as Debian configures it, which is quicker than durable.
private final class Redis {
    private let folder: TemporaryDirectory
    private let server: Process
    let socket: String

    init() throws {
        folder = try TemporaryDirectory("redis")
        socket = folder.path("redis.sock")
        server = Process()
        server.executableURL = URL(filePath: "/usr/bin/env")
        server.arguments = ["redis-server", "--port", "0", "--unixsocket", socket, "--dir", folder.path("")]
        server.standardOutput = FileHandle.nullDevice
        try server.run()
    }

    func stop() { kill(server.processIdentifier, SIGKILL) }
}
