import GitTransport
import Hosting
import Logging
import NIOPosix
import Synchronization

/// The SSH door of the node, once it is open; nothing at all where there is none.
final class SSHPart: Sendable {
    private let configuration: NodeConfiguration.SSH
    private let hosting: Hosting
    private let hookSocketPath: String
    private let status: NodeStatus
    private let door = Mutex<GitSSH?>(nil)
    private let bound = Mutex<Int?>(nil)

    init(
        configuration: NodeConfiguration.SSH, hosting: Hosting, hookSocketPath: String, status: NodeStatus
    ) {
        self.configuration = configuration
        self.hosting = hosting
        self.hookSocketPath = hookSocketPath
        self.status = status
    }

    /// The port that it listens on; nil where there is no door.
    var port: Int? { bound.withLock { $0 } }

    /// Opens the door. At the very first start of a home, host keys are made, which takes about a second.
    /// - Throws: ``StartError/ssh(_:)``.
    func start() async throws {
        guard let settings = configuration.settings else { return }
        do {
            let (hosting, path, status) = (hosting, hookSocketPath, status)
            let door = try await NIOThreadPool.singleton.runIfActive {
                try GitSSH(
                    settings: settings, hosting: hosting, hookSocketPath: path,
                    logger: Logger(label: "perigee.ssh")
                ) {
                    guard !status.isServing else { return nil }
                    return status.isStopping ? "the node is stopping" : "the node is starting"
                }
            }
            let port = try door.start()
            self.door.withLock { $0 = door }
            bound.withLock { $0 = port }
        } catch let error as SSHDoorError {
            throw StartError.ssh(error)
        }
    }

    /// Tells everybody who asks how the door is reached.
    func announce() {
        guard let port, let door = door.withLock({ $0 }) else { return }
        let base = SSHBaseAddress.text(
            configured: configuration.baseURL, baseURL: hosting.settings.baseURL.text, port: port)
        hosting.settings.baseURL.setSSH(base)
        hosting.keys.server.open(
            SSHServerFacts.Facts(
                baseURL: base, port: port,
                hostKeys: door.hostKeyFacts.map {
                    SSHServerFacts.HostKey(
                        algorithm: $0.algorithm, text: $0.text, fingerprint: $0.fingerprint)
                }))
    }

    /// Closes the door, and returns when what runs has come to its end, or the task is cancelled.
    func stop() async {
        guard let door = door.withLock({ $0 }) else { return }
        door.beginStop()
        await door.drain()
    }
}

/// What addresses for cloning over SSH begin with.
enum SSHBaseAddress {
    /// `ssh://git@host:port`: as configured, else with the host of the base URL.
    static func text(configured: String?, baseURL: String, port: Int) -> String {
        if let configured {
            let rest = configured.dropFirst("ssh://".count)
            return rest.contains("@") ? configured : "ssh://git@\(rest)"
        }
        return "ssh://git@\(host(of: baseURL)):\(port)"
    }

    private static func host(of url: String) -> Substring {
        let afterScheme = url.firstRange(of: "://").map { url[$0.upperBound...] } ?? url[...]
        var authority = afterScheme.prefix { $0 != "/" }
        if let at = authority.lastIndex(of: "@") { authority = authority[authority.index(after: at)...] }
        if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") { return authority[...end] }
        return authority.prefix { $0 != ":" }
    }
}
