import Foundation
import NodeTestKit
import Testing

/// What `perigee dev cluster` runs, from its serving line on.
struct CommandedCluster: Sendable {
    /// A node of it.
    struct Node: Sendable {
        let name: String
        let port: Int
        let processID: Int32
    }

    let folder: String
    let process: ChildProcess
    /// The balancer's port of HTTP.
    let port: Int
    let sshPort: Int
    let password: String
    let nodes: [Node]

    /// Starts `perigee dev cluster` and waits for its serving line.
    static func start(
        folder: String, nodes: Int, arguments: [String] = []
    ) async throws -> CommandedCluster {
        let process = try await launch(folder: folder, arguments: ["--nodes", "\(nodes)"] + arguments)
        let detail = { @Sendable in process.output + process.errors + logs(folder) }
        let line = try await waitFor("the serving line", detail: detail) { () -> String? in
            guard process.isRunning else {
                throw TestKitError.deadline(waitedFor: "a cluster; it ended", detail: detail())
            }
            return process.output.split(separator: "\n").map(String.init).first {
                $0.hasPrefix("Perigee serves ")
            }
        }
        let facts = try #require(
            line.firstMatch(of: /http:\/\/127\.0\.0\.1:([0-9]+), user admin, password ([0-9a-f]+)/))
        let ssh = try #require(process.output.firstMatch(of: /SSH: ssh:\/\/git@127\.0\.0\.1:([0-9]+)/))
        let found = process.output.matches(
            of: /(node[0-9]): http:\/\/127\.0\.0\.1:([0-9]+), process ([0-9]+)/)
        return CommandedCluster(
            folder: folder, process: process, port: try #require(Int(facts.output.1)),
            sshPort: try #require(Int(ssh.output.1)), password: String(facts.output.2),
            nodes: try found.map {
                Node(
                    name: String($0.output.1), port: try #require(Int($0.output.2)),
                    processID: try #require(Int32($0.output.3)))
            })
    }

    /// Starts the command and waits for nothing.
    static func launch(folder: String, arguments: [String] = []) async throws -> ChildProcess {
        try await ChildProcess.start(
            [Executable.perigee, "dev", "cluster", "--folder", folder, "--port", "0", "--ssh-port", "0"]
                + arguments, environment: Executable.environment, directory: "/")
    }

    /// A folder for a cluster; PostgreSQL's own user may enter it.
    static func makeFolder() throws -> TemporaryDirectory {
        let directory = try TemporaryDirectory("dev")
        try FileManager.default.setAttributes([.posixPermissions: 0o711], ofItemAtPath: directory.path)
        return directory
    }

    /// The sysadmin's client of the balancer.
    var http: HTTPClient { HTTPClient(port: port).basic("admin", password) }

    /// The clone URL of a repository through the balancer.
    func remote(_ project: String, _ repository: String) -> String {
        "http://admin:\(password)@127.0.0.1:\(port)/scm/\(project.lowercased())/\(repository).git"
    }

    /// The command lines of all processes that name the folder, or run one of its programs.
    var processes: [String] { Self.processes(of: folder) }

    /// As ``processes``.
    static func processes(of folder: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.filter { Int32($0) != nil }.compactMap { name in
            let bytes = FileManager.default.contents(atPath: "/proc/\(name)/cmdline") ?? Data()
            let line = String(decoding: bytes.map { $0 == 0 ? 0x20 : $0 }, as: UTF8.self)
            let place = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(name)/cwd")
            return line.contains(folder) || place?.hasPrefix(folder) == true ? "\(name) \(line)" : nil
        }
    }

    private static func logs(_ folder: String) -> String {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder + "/log")) ?? []
        return names.sorted().map { name in
            let text = (try? String(contentsOfFile: "\(folder)/log/\(name)", encoding: .utf8)) ?? ""
            return "\n\(name):\n\(text.suffix(2000))"
        }.joined()
    }
}
