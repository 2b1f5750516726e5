package import Hosting
package import Logging
import Portable
import Synchronization

/// Git over SSH as a door: keys of the database, git's three commands, and nothing else.
package final class GitSSH: Sendable {
    private let server: SSHServer
    private let hosting: Hosting
    private let hostKeys: [SSHHostKeyFile]
    private let logger: Logger
    private let sweep = Mutex<Task<Void, Never>?>(nil)

    /// How long a key that was taken away on another node may still be used by who is logged in.
    private static let sweepInterval = Duration.seconds(5)

    /// Makes the host keys unless the nodes that share the home have them already; nothing listens yet.
    /// Blocks.
    /// - Parameter hookSocketPath: Where git's hooks call back to: ``HookSocket/path``.
    /// - Parameter refusal: Why no command is begun just now; nil when one is.
    /// - Throws: ``SSHDoorError``.
    package init(
        settings: SSHSettings, hosting: Hosting, hookSocketPath: String, logger: Logger,
        refusal: @escaping @Sendable () -> String?
    ) throws(SSHDoorError) {
        self.hosting = hosting
        self.logger = logger
        hostKeys = try SSHHostKeys(folder: hosting.layout.sshHostKeys).load()
        let door = SSHGitDoor(hosting: hosting, hookSocketPath: hookSocketPath, refusal: refusal)
        server = try SSHServer(settings: settings, hostKeys: hostKeys, door: door, logger: logger)
        let registry = server.registry
        hosting.keys.onRevocation { keys in registry.end(keys: Set(keys.map(\.rawValue))) }
        sweep.withLock { $0 = Task { await Self.sweep(registry, door, logger) } }
    }

    deinit { sweep.withLock { $0?.cancel() } }

    /// The keys by which the server proves itself.
    package var hostKeyFacts: [SSHHostKeyFact] { hostKeys.map(\.fact) }

    /// Listens, and serves from now on.
    /// - Returns: The port.
    /// - Throws: ``SSHDoorError/listen(address:port:reason:)``.
    package func start() throws(SSHDoorError) -> Int {
        let port = try server.start()
        logger.notice("ssh listens", metadata: ["port": "\(port)", "library": "\(SSHBind.libraryVersion)"])
        return port
    }

    /// Closes the door; connections end as soon as what they do is done.
    package func beginStop() { server.beginStop() }

    /// Returns when everything is over. What is still there when the task is cancelled is cut off.
    package func drain() async {
        await server.drain()
        sweep.withLock { $0?.cancel() }
    }

    /// Ends connections whose key was taken away, or whose user was disabled, wherever that was done.
    private static func sweep(_ registry: SSHRegistry, _ door: any SSHDoor, _ logger: Logger) async {
        while (try? await Task.sleep(for: sweepInterval)) != nil {
            let keys = registry.keys
            guard !keys.isEmpty else { continue }
            do {
                let revoked = try await door.revoked(among: keys)
                if !revoked.isEmpty { registry.end(keys: revoked) }
            } catch {
                logger.warning("keys cannot be looked up", metadata: ["error": "\(error)"])
            }
        }
    }
}
