import Foundation
import NodeTestKit
import Portable
import Synchronization
import Testing

/// `perigee dev cluster`: PostgreSQL, nodes and HAProxy with one command.
@Suite struct DevelopmentClusterTests {
    /// Makes `PRJ/app` through the balancer, and a working copy whose `main` is there.
    private func makeRepository(_ cluster: CommandedCluster) async throws -> GitClient {
        #expect(
            try await cluster.http.post("/rest/api/latest/projects", ["key": "PRJ", "name": "P"]).status
                == 201)
        let made = try await cluster.http.post(
            "/rest/api/latest/projects/PRJ/repos", ["name": "app", "scmId": "git", "defaultBranch": "main"])
        #expect(made.status == 201, "\(made.text)")
        let git = try GitClient()
        try await git.makeRepository("work")
        try await git.succeed("push", "--quiet", cluster.remote("PRJ", "app"), "main", in: "work")
        return git
    }

    /// The same client, with a key that the administrator has.
    private func withKey(_ git: GitClient, _ cluster: CommandedCluster) async throws -> GitClient {
        var git = git
        let file = git.directory.path("id")
        let made = try await ChildProcess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file], environment: git.fullEnvironment)
        try #require(made.succeeded, "\(made.errors)")
        let key = try String(contentsOfFile: file + ".pub", encoding: .utf8)
        let answer = try await cluster.http.post(
            "/rest/ssh/latest/keys", ["text": .string(key.trimmingCharacters(in: .newlines))])
        try #require(answer.status == 201, "\(answer.text)")
        let known = git.directory.path("known_hosts")
        git.environment["GIT_SSH_COMMAND"] =
            "ssh -F none -i \(file) -o IdentitiesOnly=yes -o BatchMode=yes "
            + "-o StrictHostKeyChecking=accept-new -o UserKnownHostsFile=\(known) -o LogLevel=ERROR"
        return git
    }

    /// Works through the balancer from several clients until it is told to stop.
    /// - Returns: What failed.
    private func work(
        _ cluster: CommandedCluster, _ git: GitClient, until isOver: @escaping @Sendable () -> Bool
    ) async throws -> (done: Int, failures: [String]) {
        let head = try await git.succeed("rev-parse", "HEAD", in: "work")
        return try await withThrowingTaskGroup(of: (Int, [String]).self) { group in
            for client in 0..<3 {
                group.addTask {
                    var (done, failures) = (0, [String]())
                    while !isOver() {
                        let answer = try? await cluster.http.get("/rest/api/latest/projects/PRJ/repos")
                        if answer?.status != 200 { failures.append("GET: \(answer?.text ?? "no answer")") }
                        let name = "refs/heads/c\(client)-\(done)"
                        let push = try await git.run(
                            "push", "--quiet", cluster.remote("PRJ", "app"), "\(head):\(name)", in: "work")
                        if !push.succeeded { failures.append("push: \(push.errors)") }
                        done += 1
                    }
                    return (done, failures)
                }
            }
            var total = (done: 0, failures: [String]())
            for try await (done, failures) in group {
                total = (total.done + done, total.failures + failures)
            }
            return total
        }
    }

    private func hasEnded(_ process: Int32) -> Bool {
        let stat = (try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)) ?? ""
        guard let end = stat.lastIndex(of: ")") else { return true }
        return stat[end...].dropFirst(2).first == "Z"
    }

    @Test func `clients go on when nodes are killed or stopped, and one signal ends everything`() async throws
    {
        let directory = try CommandedCluster.makeFolder()
        let folder = directory.path("c")
        let cluster = try await CommandedCluster.start(folder: folder, nodes: 3)
        #expect(cluster.nodes.count == 3)
        let members = try await cluster.http.get("/rest/api/latest/admin/cluster").json()
        #expect(members["nodes"]?.listValue?.count == 3)
        let git = try await withKey(try await makeRepository(cluster), cluster)
        let ssh = "ssh://git@127.0.0.1:\(cluster.sshPort)/prj/app.git"
        try await git.succeed("clone", "--quiet", cluster.remote("PRJ", "app"), "http")
        try await git.succeed("clone", "--quiet", ssh, "ssh")
        for round in 0..<6 {
            try await git.commit(in: "ssh", file: "README.md", text: "\(round)\n")
            try await git.succeed("push", "--quiet", "origin", in: "ssh")
            try await git.succeed("pull", "--quiet", in: "http")
            #expect(
                try await git.succeed("rev-parse", "HEAD", in: "http")
                    == (try await git.succeed("rev-parse", "HEAD", in: "ssh")))
        }
        try await expectRefusedBeside(cluster)

        // Killed: whoever comes next is served by another node, at once.
        kill(cluster.nodes[0].processID, SIGKILL)
        for round in 0..<6 {
            try await git.commit(in: "ssh", file: "README.md", text: "killed \(round)\n")
            try await git.succeed("push", "--quiet", "origin", in: "ssh")
            try await git.succeed("pull", "--quiet", in: "http")
        }
        #expect(
            try await git.succeed("rev-parse", "HEAD", in: "http")
                == (try await git.succeed("rev-parse", "HEAD", in: "ssh")))

        // Stopped: nobody notices.
        let isOver = Mutex(false)
        let isOverNow = { @Sendable in isOver.withLock { $0 } }
        async let worked = work(cluster, git, until: isOverNow)
        let stopped = cluster.nodes[1].processID
        kill(stopped, SIGTERM)
        try await waitUntil("the stopped node's end") { hasEnded(stopped) }
        isOver.withLock { $0 = true }
        let (done, failures) = try await worked
        #expect(failures.isEmpty, "\(failures.first ?? "")")
        #expect(done > 0)
        let refs = try await git.succeed("ls-remote", "--heads", ssh)
        #expect(refs.split(separator: "\n").count == done + 1)

        cluster.process.signal(SIGINT)
        let outcome = try await cluster.process.waitForExit()
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(cluster.processes.isEmpty)
        #expect(outcome.output.contains("node1 has ended; the others go on."))
    }

    /// A second cluster in the same folder is refused and disturbs nothing.
    private func expectRefusedBeside(_ cluster: CommandedCluster) async throws {
        let second = try await CommandedCluster.launch(folder: cluster.folder)
        let outcome = try await second.waitForExit()
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("A cluster runs in \(cluster.folder) already."))
        #expect(cluster.process.isRunning)
    }

    @Test func `a second start finds what was there, also after a kill that leaves no process behind`()
        async throws
    {
        let directory = try CommandedCluster.makeFolder()
        // A name that has to be escaped in the database's address.
        let folder = directory.path("my cluster")
        let first = try await CommandedCluster.start(folder: folder, nodes: 2)
        let git = try await makeRepository(first)
        first.process.signal(SIGKILL)
        _ = try await first.process.waitForExit()
        try await waitUntil("the end of what the killed one had started") { first.processes.isEmpty }

        let second = try await CommandedCluster.start(folder: folder, nodes: 1)
        #expect(second.password == first.password)
        try await git.succeed("clone", "--quiet", second.remote("PRJ", "app"), "clone")
        #expect(
            try await git.succeed("rev-parse", "HEAD", in: "clone")
                == (try await git.succeed("rev-parse", "main", in: "work")))
        second.process.signal(SIGTERM)
        #expect(try await second.process.waitForExit().status == 0)
        #expect(second.processes.isEmpty)
    }

    @Test func `a port that is taken, and a folder that is no place for it, are refused before all else`()
        async throws
    {
        let directory = try CommandedCluster.makeFolder()
        let taken = try TCPProxy(to: 1)
        let folder = directory.path("c")
        let port = try await CommandedCluster.launch(folder: folder, arguments: ["--port", "\(taken.port)"])
            .waitForExit()
        #expect(port.status == 1)
        #expect(port.errors.contains("Port \(taken.port) of 127.0.0.1 cannot be had"), "\(port.errors)")
        #expect(!FileManager.default.fileExists(atPath: folder + "/postgres"))

        let long = directory.path(String(repeating: "long", count: 20))
        let path = try await CommandedCluster.launch(folder: long).waitForExit()
        #expect(path.status == 64 && path.errors.contains("Choose a shorter one."), "\(path.errors)")
        #expect(!FileManager.default.fileExists(atPath: long))

        let nowhere = try await CommandedCluster.launch(folder: directory.path("no/such")).waitForExit()
        #expect(nowhere.status == 1 && nowhere.errors.contains("cannot be made"), "\(nowhere.errors)")
        #expect(CommandedCluster.processes(of: directory.path).isEmpty)
    }

    @Test(
        arguments: [
            ["a=10.0.0.1:7990", "b=[2001:db8::1]:7990"],
            ["a=10.0.0.1:7990:7999", "b=10.0.0.2:7990", "--bind", "127.0.0.1:80", "--ssh-bind", "*:22"],
            ["a=127.0.0.1:7990:7999", "--proxy-protocol"],
            ["farm1=10.1.0.1:7990:7999", "farm2=10.1.0.2:7990:7999", "--mirror"],
            ["a=localhost:7990:7999", "b=[::1]:8443:7999", "--https", "--proxy-protocol"],
            ["node-1.x_y=127.0.0.1:1", "--https"],
        ])
    func `haproxy accepts what haproxy-config prints`(arguments: [String]) async throws {
        let printed = try await ChildProcess.run(
            [Executable.perigee, "admin", "haproxy-config"] + arguments, environment: Executable.environment)
        #expect(printed.succeeded, "\(printed.errors)")
        let directory = try TemporaryDirectory("haproxy")
        let file = try directory.write(printed.output, to: "haproxy.cfg")
        // -dW: a warning is an error.
        let check = try await ChildProcess.run(
            ["/usr/sbin/haproxy", "-c", "-dW", "-f", file], environment: Executable.environment)
        #expect(check.succeeded, "\(check.output)\(check.errors)\n\(printed.output)")
    }

    @Test(arguments: ["a", "a=b", "a=b:0", "a=b:70000", "=b:1", "a b=c:1", "a=b:1:2:3", "a=b c:1"])
    func `what is no node is refused`(text: String) async throws {
        let printed = try await ChildProcess.run(
            [Executable.perigee, "admin", "haproxy-config", text], environment: Executable.environment)
        #expect(printed.status == 64 && printed.errors.contains("is no node"), "\(printed.errors)")
        #expect(printed.output.isEmpty)
    }
}
