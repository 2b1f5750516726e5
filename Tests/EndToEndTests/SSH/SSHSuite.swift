import Foundation
import NodeTestKit
import Portable
import Testing

/// The SSH door of one real node, which the suites below share; each test makes a repository of its own.
@Suite(.sshServedByOneNode)
enum SSHSuite {
    @TaskLocal static var current: RunningNode?

    static let properties = [
        "plugin.ssh.enabled": "true", "plugin.ssh.port": "0", "plugin.ssh.session.address.max": "400",
        "plugin.ssh.session.unauthenticated.max": "400",
    ]

    /// A repository with one commit on `main`, and a client whose key is the administrator's.
    static func makePlace(
        on node: RunningNode? = nil, repository: String = "app", isPublic: Bool = false
    ) async throws -> SSHPlace {
        let node = try node ?? #require(current)
        let key = "S" + UUID().uuidString.prefix(8)
        try await node.makeProject(key)
        let made = try await node.http.post(
            "/rest/api/latest/projects/\(key)/repos",
            ["name": .string(repository), "defaultBranch": "main", "public": .bool(isPublic)])
        try #require(made.status == 201, "\(made.text)")
        let facts = try await node.http.get("/rest/api/latest/projects/\(key)/repos/\(repository)").json()
        let id = try #require(facts["id"]?.integerValue)
        let client = try await SSHClient.make(for: node)
        try await client.register()
        let place = SSHPlace(node: node, client: client, key: key, name: repository, id: id)
        try await place.git.makeRepository("work")
        try await place.git.succeed("push", "--quiet", node.remote(key, repository), "main", in: "work")
        return place
    }
}

/// A repository on a node, and a client of SSH with a working copy `work`.
struct SSHPlace: Sendable {
    let node: RunningNode
    var client: SSHClient
    let key: String
    let name: String
    let id: Int64

    var git: GitClient { client.git }
    /// The clone URL.
    var remote: String { node.sshRemote(key, name) }

    /// The processes that work in the repository: their ids and command lines.
    var gitProcesses: [String] {
        GitHTTPPlace(node: node, git: git, key: key, name: name, id: id).gitProcesses
    }

    /// Adds a file that no compression makes smaller, and pushes it over HTTP.
    func pushRandomFile(megabytes: Int, push: Bool = true) async throws {
        let path = git.directory.path("work/random.bin")
        try FastImport.noise(bytes: megabytes * 1_000_000).write(to: URL(fileURLWithPath: path))
        try await git.succeed("add", "random.bin", in: "work")
        try await git.succeed("-c", "core.compression=0", "commit", "--quiet", "-m", "random", in: "work")
        if push { try await git.succeed("push", "--quiet", node.remote(key, name), "main", in: "work") }
    }

    /// The tip of the working copy.
    func head() async throws -> String { try await git.succeed("rev-parse", "HEAD", in: "work") }
}

/// A client of one node's SSH door, with a key pair of its own.
struct SSHClient: Sendable {
    let node: RunningNode
    var git: GitClient
    /// The private key's file; the public one is beside it.
    let keyFile: String
    let publicKey: String

    /// Makes a client and its key.
    static func make(
        for node: RunningNode, type: String = "ed25519", bits: Int? = nil
    ) async throws -> SSHClient {
        var git = try GitClient()
        let file = git.directory.path("id_\(type)")
        var command = ["ssh-keygen", "-q", "-t", type, "-N", "", "-C", "test@client", "-f", file]
        if let bits { command += ["-b", String(bits)] }
        let made = try await ChildProcess.run(command, environment: git.fullEnvironment)
        try #require(made.succeeded, "\(made.errors)")
        let text = try String(contentsOfFile: file + ".pub", encoding: .utf8)
        git.environment["GIT_SSH_COMMAND"] = (sshCommand(git, keyFile: file) + ["-o", "LogLevel=ERROR"])
            .joined(separator: " ")
        return SSHClient(
            node: node, git: git, keyFile: file,
            publicKey: text.trimmingCharacters(in: .whitespacesAndNewlines))
    }

    private static func sshCommand(_ git: GitClient, keyFile: String) -> [String] {
        [
            "ssh", "-F", "none", "-i", keyFile, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o",
            "StrictHostKeyChecking=accept-new", "-o",
            "UserKnownHostsFile=\(git.directory.path("known_hosts"))",
        ]
    }

    /// Registers the key for a user, the administrator unless said otherwise.
    @discardableResult
    func register(for user: String = RunningNode.administrator) async throws -> Int64 {
        let answer = try await node.http.post(
            "/rest/ssh/latest/keys?user=\(user)", ["text": .string(publicKey)])
        try #require(answer.status == 201, "\(answer.text)")
        return try #require(try answer.json()["id"]?.integerValue)
    }

    /// Gives the key access to a project or a repository.
    @discardableResult
    func giveAccess(_ permission: String, to owner: String) async throws -> Int64 {
        let body: PortableValue = [
            "key": ["text": .string(publicKey)], "permission": .string(permission),
        ]
        let answer = try await node.http.post("/rest/keys/latest/\(owner)/ssh", body)
        try #require(answer.status == 201, "\(answer.text)")
        return try #require(try answer.json()["key"]?["id"]?.integerValue)
    }

    /// The words of an `ssh` command line up to the remote command.
    func ssh(_ options: String..., name: String = "git") -> [String] {
        Self.sshCommand(git, keyFile: keyFile) + options + ["-p", String(node.sshPort), "\(name)@127.0.0.1"]
    }

    /// Runs `ssh` with a remote command, or for a shell.
    func run(
        _ command: String?, options: [String] = [], name: String = "git", input: Data = Data()
    ) async throws -> ProcessOutcome {
        let words =
            Self.sshCommand(git, keyFile: keyFile) + options
            + ["-p", String(node.sshPort), "\(name)@127.0.0.1"]
        return try await ChildProcess.run(
            words + (command.map { [$0] } ?? []), environment: git.fullEnvironment, input: input)
    }
}

extension RunningNode {
    /// The port of SSH, as `run/node.json` has it; 0 where there is none.
    var sshPort: Int {
        let bytes = FileManager.default.contents(atPath: "\(home)/run/node.json") ?? Data()
        return (try? JSON.decode(Array(bytes)))?["sshPort"]?.integerValue.map { Int($0) } ?? 0
    }

    /// The clone URL over SSH.
    func sshRemote(_ project: String, _ repository: String) -> String {
        "ssh://git@127.0.0.1:\(sshPort)/\(project.lowercased())/\(repository).git"
    }

    /// Starts a node with an SSH door.
    static func startWithSSH(_ properties: [String: String] = [:]) async throws -> RunningNode {
        try await start(properties: SSHSuite.properties.merging(properties) { $1 })
    }
}

/// Starts a node with an SSH door before a suite and stops it after.
struct SSHNodeScope: SuiteTrait, TestScoping {
    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        let node = try await RunningNode.startWithSSH()
        try await SSHSuite.$current.withValue(node) { try await function() }
        try await node.stop()
    }
}

extension Trait where Self == SSHNodeScope {
    /// All tests of the suite talk to one running node.
    static var sshServedByOneNode: Self { SSHNodeScope() }
}
