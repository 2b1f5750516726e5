import Foundation
import NodeTestKit
import Portable
import Testing

/// The SSH door of a node whose database is away.
@Suite struct SSHWithoutDatabaseTests {
    @Test func `a key that was used lately reads what it read, and changes nothing`() async throws {
        var options = RunningCluster.Options()
        options.nodes = 1
        options.properties = ["plugin.ssh.enabled": "true", "plugin.ssh.port": "0"]
        let cluster = try await RunningCluster.prepare(options)
        try await cluster.start()
        let place = try await SSHSuite.makePlace(on: cluster.nodes[0])
        let stranger = try await SSHClient.make(for: place.node)
        #expect(try await place.git.succeed("ls-remote", place.remote).contains("refs/heads/main"))

        cluster.proxies[0].behave(.blackHole)
        try await waitUntil("a node that says that its database is away") {
            try await place.node.anonymous.get("/status").status == 500
        }
        let clone = try await place.git.run("clone", "--quiet", place.remote, "clone")
        try #require(clone.succeeded, "\(clone.errors) \(place.node.log.suffix(6000))")
        #expect(try await place.git.succeed("rev-parse", "HEAD", in: "clone") == place.head())
        try await place.git.commit(in: "work", file: "a.txt", text: "more\n")
        let push = try await place.git.run("push", place.remote, "main", in: "work")
        #expect(!push.succeeded && push.errors.contains("database"), "\(push.errors)")
        // Nobody whom it does not know gets in.
        #expect(try await !stranger.git.run("ls-remote", place.remote).succeeded)

        cluster.proxies[0].behave(.forward)
        try await waitUntil("a push to the node that has its database again") {
            try await place.git.run("push", "--quiet", place.remote, "main", in: "work").succeeded
        }
        try await cluster.stop()
    }
}
