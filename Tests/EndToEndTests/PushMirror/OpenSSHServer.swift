import Foundation
import NodeTestKit
import Testing

/// A real `sshd` on 127.0.0.1 whose one key may do what `git-shell` lets it: a git server as people make one
/// by hand. It logs in as the account that runs the tests, since it need not be root's.
final class OpenSSHServer: Sendable {
    let port: Int
    /// The account.
    let user: String
    /// The client's private key, in OpenSSH's form.
    let privateKey: String
    private let folder: TemporaryDirectory
    private let process: ChildProcess

    /// Starts it with new keys.
    static func start() async throws -> OpenSSHServer {
        let folder = try TemporaryDirectory("sshd")
        for name in ["host", "client"] {
            try await run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder.path(name)])
        }
        let user = try await run(["id", "-un"])
        let shell = try await run(["sh", "-c", "command -v git-shell"])
        let client = try String(contentsOfFile: folder.path("client.pub"), encoding: .utf8)
        try folder.write(
            #"restrict,command="\#(shell) -c \"$SSH_ORIGINAL_COMMAND\"" \#(client)"#, to: "authorized_keys")
        if geteuid() == 0 {
            // The package's service makes it when it starts.
            try FileManager.default.createDirectory(atPath: "/run/sshd", withIntermediateDirectories: true)
        }
        // A port that was free may be somebody else's by the time it is used.
        for _ in 0..<20 {
            let port = try freePort()
            try folder.write(configuration(port, folder), to: "sshd_config")
            let process = try await ChildProcess.start(
                ["/usr/sbin/sshd", "-D", "-e", "-f", folder.path("sshd_config")],
                environment: Executable.environment, directory: folder.path)
            try await waitUntil("an sshd", detail: { process.errors }) {
                !process.isRunning || process.errors.contains("Server listening on")
            }
            if process.isRunning {
                let key = try String(contentsOfFile: folder.path("client"), encoding: .utf8)
                return OpenSSHServer(port, user, key, folder, process)
            }
            guard process.errors.contains("Address already in use") else {
                throw TestKitError.protocolViolation("sshd: \(process.errors)")
            }
        }
        throw TestKitError.protocolViolation("no port for sshd")
    }

    private init(
        _ port: Int, _ user: String, _ key: String, _ folder: TemporaryDirectory, _ process: ChildProcess
    ) {
        (self.port, self.user, privateKey) = (port, user, key)
        (self.folder, self.process) = (folder, process)
    }

    deinit { process.killGroup() }

    /// All that it has said.
    var log: String { process.errors }

    /// The path of a new empty repository.
    func makeRepository(_ name: String) async throws -> String {
        let path = folder.path(name)
        try await Self.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", path])
        return path
    }

    /// The host's key as `ssh-keyscan` gives it, of a port that leads here.
    func hostKeys(port: Int) async throws -> [String] {
        try await Self.run(["ssh-keyscan", "-p", "\(port)", "127.0.0.1"]).split(separator: "\n")
            .map(String.init)
    }

    @discardableResult
    private static func run(_ command: [String]) async throws -> String {
        let outcome = try await ChildProcess.run(command, environment: Executable.environment)
        guard outcome.succeeded else {
            throw TestKitError.command(line: command.joined(separator: " "), outcome: outcome)
        }
        return outcome.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Nobody listens there at this moment.
    private static func freePort() throws -> Int {
        let proxy = try TCPProxy(to: 1)
        defer { proxy.close() }
        return proxy.port
    }

    private static func configuration(_ port: Int, _ folder: TemporaryDirectory) -> String {
        """
        ListenAddress 127.0.0.1
        Port \(port)
        HostKey \(folder.path("host"))
        PidFile none
        AuthorizedKeysFile \(folder.path("authorized_keys"))
        StrictModes no
        UsePAM no
        UseDNS no
        PasswordAuthentication no
        KbdInteractiveAuthentication no
        PermitRootLogin prohibit-password
        PrintMotd no
        X11Forwarding no
        LogLevel INFO

        """
    }
}
