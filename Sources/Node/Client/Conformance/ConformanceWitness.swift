import FoundationEssentials
import Portable

/// The well-behaved party: a plugin that notes every new branch of a repository, that repository, and git.
struct ConformanceWitness: Sendable {
    static let pluginID = "perigee.conformance.witness"
    static let project = "CONFORM"
    /// Checks its own environment at each event, so that it notices what another plugin did to it.
    private static let program = """
        local upper, sort = string.upper, table.sort
        perigee.events.on("repo:refs_changed", function(event)
          assert(string.upper == upper and table.sort == sort and ("x"):upper() == "X" and math.pi)
          if event.repository.project.key ~= "\(project)" then return end
          for _, change in ipairs(event.changes) do perigee.kv.put("seen/" .. change.ref.displayId, true) end
        end)
        """
    private static let api = "/rest/api/latest/projects"

    let client: NodeClient
    /// A temporary folder of its own.
    let folder: String

    var manifest: PortableValue {
        [
            "id": .string(Self.pluginID), "version": "1.0.0", "api": 1, "cluster_compatible": true,
            "permissions": ["events": ["repo:refs_changed"], "kv": "1MiB"],
        ]
    }

    var source: [UInt8] { Array(Self.program.utf8) }

    /// Makes the repository and pushes a first commit to it.
    func prepare() async throws {
        try await client.send(
            "POST", Self.api,
            body: ["key": .string(Self.project), "name": "Conformance", "description": "Made by a test."])
        try await client.send(
            "POST", "\(Self.api)/\(Self.project)/repos",
            body: ["name": "witness", "scmId": "git", "defaultBranch": "main"])
        try await git("init", "--quiet", "--initial-branch=main", "\(folder)/work")
        try await git("-C", "\(folder)/work", "commit", "--quiet", "--allow-empty", "--message=first")
        try await push("main")
        try await hear(of: "main")
    }

    /// Makes a branch over REST and waits until the plugin has noted it.
    func meet(_ branch: String) async throws {
        try await client.send(
            "POST", "\(Self.api)/\(Self.project)/repos/witness/branches",
            body: ["name": .string(branch), "startPoint": "main"])
        try await hear(of: branch)
    }

    /// Pushes a commit, waits until the plugin has noted it, and clones what is there then.
    func serveGit() async throws {
        try await git("-C", "\(folder)/work", "commit", "--quiet", "--allow-empty", "--message=last")
        try await push("main:last")
        try await hear(of: "last")
        try await git("clone", "--quiet", "--branch=last", address, "\(folder)/clone")
        try await git("-C", "\(folder)/clone", "fsck", "--full")
    }

    /// Removes the repository and its project.
    func remove() async {
        // What is not there need not be removed; what cannot be is the administrator's to see.
        _ = try? await client.send("DELETE", "\(Self.api)/\(Self.project)/repos/witness")
        _ = try? await client.send("DELETE", "\(Self.api)/\(Self.project)")
    }

    private var address: String { "\(client.url)/scm/\(Self.project.lowercased())/witness.git" }

    private func push(_ ref: String) async throws {
        try await git("-C", "\(folder)/work", "push", "--quiet", address, ref)
    }

    private func hear(of branch: String) async throws {
        let deadline = ContinuousClock.now.advanced(by: .seconds(30))
        while try await client.storedValues(of: Self.pluginID, prefix: "seen/\(branch)").isEmpty {
            guard ContinuousClock.now < deadline else {
                throw ConformanceError.witness(
                    problem: "the well-behaved plugin did not hear of branch \(branch) within 30 s")
            }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    private func git(_ arguments: String...) async throws {
        var environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("GIT_") }
        let settings = [
            ("user.name", "Conformance"), ("user.email", "conformance@localhost"),
            ("http.extraHeader", client.authorization.map { "Authorization: \($0)" } ?? ""),
            // A node of this machine may have a certificate of another name.
            ("http.sslVerify", client.isLocal ? "false" : "true"),
        ]
        for (number, setting) in settings.enumerated() {
            environment["GIT_CONFIG_KEY_\(number)"] = setting.0
            environment["GIT_CONFIG_VALUE_\(number)"] = setting.1
        }
        environment["GIT_CONFIG_COUNT"] = "\(settings.count)"
        environment["GIT_CONFIG_NOSYSTEM"] = "1"
        environment["GIT_CONFIG_GLOBAL"] = "/dev/null"
        environment["GIT_TERMINAL_PROMPT"] = "0"
        let output = "\(folder)/git"
        try? FileManager.default.removeItem(atPath: output)
        let program = try ChildProgram(["git"] + arguments, environment: environment, output: output)
        guard try await program.end(within: .seconds(120)) == 0 else {
            let said = SystemFile.text(of: output) ?? ""
            throw ConformanceError.program(
                name: "git \(arguments.last ?? "")", reason: String(said.suffix(1_000)))
        }
    }
}
