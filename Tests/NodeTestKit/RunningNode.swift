import Foundation
import Portable
import Synchronization

/// A node of the real, built `perigee` on a free port of 127.0.0.1, in a temporary home.
///
/// It is killed, with its whole process group, when the last reference goes.
package final class RunningNode: Sendable {
    /// The sysadmin's user name that every test node is set up with.
    package static let administrator = "admin"
    /// That user's password.
    package static let administratorPassword = "admin-Passw0rd"

    /// The folder that holds the home and all else of this node.
    package let directory: TemporaryDirectory
    private let settings: Settings
    private let state = Mutex(State())

    private struct Settings {
        var properties: [String: String]
        var arguments: [String]
        var environment: [String: String]
        var sharedHome: String?
    }

    private struct State {
        var process: ChildProcess?
        var url = ""
        var nodeID = ""
    }

    /// Starts a node and waits until it serves.
    /// - Parameter properties: Written to `shared/perigee.properties`, over those every test node has: the
    ///   sysadmin
    /// above, `server.address` 127.0.0.1, `server.port` 0, `plugin.ssh.enabled` false, `setup.displayName`
    ///   Test.
    /// - Parameter arguments: More arguments of `perigee serve`.
    /// - Parameter environment: More variables for it.
    /// - Parameter directory: Where a home may already be, below `home`; a new one when `nil`.
    /// - Parameter sharedHome: The folder that several nodes share; below its own home when `nil`.
    /// - Throws: ``TestKitError/deadline(waitedFor:detail:)`` with the node's output when it does not serve.
    package static func start(
        properties: [String: String] = [:], arguments: [String] = [], environment: [String: String] = [:],
        directory: TemporaryDirectory? = nil, sharedHome: String? = nil
    ) async throws -> RunningNode {
        let node = try prepare(
            properties: properties, arguments: arguments, environment: environment, directory: directory,
            sharedHome: sharedHome)
        try await node.start()
        return node
    }

    /// As ``start(properties:arguments:environment:directory:)`` but starts nothing yet, so that a test can
    /// put files
    /// into the home first; then ``start()``, or ``launch()`` when it must not come up.
    package static func prepare(
        properties: [String: String] = [:], arguments: [String] = [], environment: [String: String] = [:],
        directory: TemporaryDirectory? = nil, sharedHome: String? = nil
    ) throws -> RunningNode {
        let directory = try directory ?? TemporaryDirectory("node")
        let defaults = [
            "setup.displayName": "Test", "setup.sysadmin.username": administrator,
            "setup.sysadmin.password": administratorPassword, "setup.sysadmin.displayName": "Admin",
            "setup.sysadmin.emailAddress": "admin@example.org", "server.address": "127.0.0.1",
            "server.port": "0", "plugin.ssh.enabled": "false",
        ]
        return RunningNode(
            directory,
            Settings(
                properties: defaults.merging(properties) { $1 }, arguments: arguments,
                environment: environment, sharedHome: sharedHome))
    }

    private init(_ directory: TemporaryDirectory, _ settings: Settings) {
        self.directory = directory
        self.settings = settings
    }

    deinit {
        state.withLock { $0.process }?.killGroup()
    }

    /// The node's home directory.
    package var home: String { directory.path("home") }
    /// The base URL it serves, without a trailing slash; empty before the first start.
    package var url: String { state.withLock { $0.url } }
    /// Its node id.
    package var nodeID: String { state.withLock { $0.nodeID } }
    /// The port of ``url``.
    package var port: Int { URL(string: url)?.port ?? 0 }
    /// The process id; 0 before the first start.
    package var processID: Int32 { state.withLock { $0.process?.processID ?? 0 } }
    /// Whether its process is there, stopped or not.
    package var isRunning: Bool { state.withLock { $0.process }?.isRunning ?? false }
    /// All that the current process wrote to standard error.
    package var standardError: String { state.withLock { $0.process }?.errors ?? "" }
    /// All that the current process wrote to standard output.
    package var standardOutput: String { state.withLock { $0.process }?.output ?? "" }

    /// Starts the process and waits until `/status` says at the URL of `run/node.json` that it is up.
    /// - Throws: ``TestKitError`` with the node's output.
    package func start() async throws {
        let process = try await launch()
        let facts = try await waitFor("a node that serves", detail: { process.errors }) {
            () -> PortableValue? in
            guard process.isRunning else {
                throw TestKitError.deadline(waitedFor: "a node that serves; it ended", detail: process.errors)
            }
            return try await self.servingFacts(of: process)
        }
        state.withLock {
            $0.url = facts["url"]?.stringValue ?? ""
            $0.nodeID = facts["nodeId"]?.stringValue ?? ""
        }
    }

    /// Starts the process and waits for nothing.
    @discardableResult
    package func launch() async throws -> ChildProcess {
        if state.withLock({ $0.process?.isRunning ?? false }) {
            throw TestKitError.protocolViolation("the node already runs")
        }
        try writeProperties()
        let process = try await ChildProcess.start(
            [Executable.perigee, "serve", "--home", home]
                + (settings.sharedHome.map { ["--shared-home", $0] } ?? []) + settings.arguments,
            environment: Executable.environment.merging(settings.environment) { $1 },
            directory: directory.path)
        state.withLock { $0.process = process }
        return process
    }

    /// Sends a signal to the node's process.
    package func signal(_ number: Int32) {
        state.withLock { $0.process }?.signal(number)
    }

    /// Waits for the process to end.
    /// - Returns: Its exit code, or 128 plus the signal's number, and its output.
    package func waitForExit(deadline: Duration = .seconds(120)) async throws -> ProcessOutcome {
        guard let process = state.withLock({ $0.process }) else {
            throw TestKitError.protocolViolation("the node was not started")
        }
        return try await process.waitForExit(deadline: deadline)
    }

    /// Asks the node to stop by SIGTERM and waits for its end.
    @discardableResult
    package func stop() async throws -> ProcessOutcome {
        signal(SIGTERM)
        return try await waitForExit()
    }

    /// Kills the process with SIGKILL and waits until it is gone.
    package func kill() async throws {
        signal(SIGKILL)
        _ = try await waitForExit()
    }

    /// Stops the node by SIGTERM and starts it again on the same home.
    package func restart() async throws {
        try await stop()
        try await start()
    }

    /// Writes `shared/perigee.properties`, for what looks at a home whose node was never started.
    package func writeProperties() throws {
        let lines = settings.properties.sorted { $0.key < $1.key }
            .map { "\($0.key)=\($0.value.replacingOccurrences(of: "\\", with: "\\\\"))\n" }
        let shared = settings.sharedHome ?? "\(home)/shared"
        let file = URL(fileURLWithPath: "\(shared)/perigee.properties")
        let bytes = Data(lines.joined().utf8)
        // Another node of the same shared home may be reading it.
        guard FileManager.default.contents(atPath: file.path) != bytes else { return }
        try FileManager.default.createDirectory(
            atPath: shared, withIntermediateDirectories: true)
        try bytes.write(to: file, options: .atomic)
    }

    /// What `/status` says of a node that is up; a mirror's node may still lack everything.
    private static let upStates: Set = ["RUNNING", "BOOTSTRAPPED", "METADATA_SYNCHRONIZED", "SYNCHRONIZED"]

    private func servingFacts(of process: ChildProcess) async throws -> PortableValue? {
        guard let bytes = FileManager.default.contents(atPath: "\(home)/run/node.json"),
            let facts = try? JSON.decode(Array(bytes)), let port = facts["httpPort"]?.integerValue,
            facts["pid"]?.integerValue == Int64(process.processID)
        else { return nil }
        // With TLS the kit's plain client cannot ask; a node.json of this process is written once it serves.
        if facts["url"]?.stringValue?.hasPrefix("https:") == true { return facts }
        guard let answer = try? await HTTPClient(port: Int(port)).get("/status"),
            let state = try answer.json()["state"]?.stringValue, Self.upStates.contains(state)
        else { return nil }
        return facts
    }
}
