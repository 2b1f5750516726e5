import FoundationEssentials
import Glibc

/// A node of this program on a temporary home, for as long as cases are run.
package final class ConformanceNode: Sendable {
    /// The temporary folder: the home, and the node's output.
    private let folder: String
    private let program: ChildProgram

    /// The node's home.
    package var home: String { "\(folder)/home" }

    /// Starts a node and waits until it serves.
    /// - Throws: ``ConformanceError``.
    package init() async throws {
        folder =
            FileManager.default.temporaryDirectory.path + "/perigee-conformance-"
            + SystemFile.randomHexadecimal(bytes: 8)
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw ConformanceError.unwritable(path: folder, reason: "\(error)")
        }
        // What the user's own node is told by the environment is not for this one.
        var environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("PERIGEE_") }
        environment["PERIGEE_SETUP_SYSADMIN_PASSWORD"] = SystemFile.randomHexadecimal(bytes: 16)
        environment["PERIGEE_SERVER_PORT"] = "0"
        environment["PERIGEE_SERVER_ADDRESS"] = "127.0.0.1"
        environment["PERIGEE_PLUGIN_SSH_ENABLED"] = "false"
        program = try ChildProgram(
            ["/proc/self/exe", "serve", "--home", "\(folder)/home"], environment: environment,
            output: "\(folder)/output")
        let deadline = ContinuousClock.now.advanced(by: .seconds(60))
        while NodeFile.read(run: "\(home)/run") == nil {
            guard program.exitCode() == nil, ContinuousClock.now < deadline else {
                let output = SystemFile.text(of: "\(folder)/output") ?? ""
                await stop()
                throw ConformanceError.noNode(detail: String(output.suffix(2_000)))
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Ends the node and removes its folder.
    /// - Returns: Its exit code; `nil` when it had to be killed.
    @discardableResult
    package func stop() async -> Int32? {
        program.signal(SIGTERM)
        let code = try? await program.end(within: .seconds(60))
        try? FileManager.default.removeItem(atPath: folder)
        return code
    }
}
