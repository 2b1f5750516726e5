import Foundation
import NodeTestKit
import Testing

/// Between a push's first byte and its report: decisions that do not come, homes with long names.
@Suite struct DecisionTests {
    /// Says that it judges, and then never answers; it is allowed a minute of CPU time for that.
    static let endlessJudge = """
        perigee.events.before_push(function(push)
          perigee.log.info("judging " .. push.changes[1].refId)
          while true do end
        end)
        """
    static let patience = [
        "plugins.handler.max-seconds": "60", "plugins.push.max-seconds": "300",
    ]

    @Test func `a decision that does not come in time is a refusal, with a sentence`() async throws {
        let properties = Self.patience.merging(["receive.decision-timeout": "1"]) { $1 }
        let node = try RunningNode.prepare(properties: properties)
        try node.installPlugin(
            "com.example.judge", permissions: #"{"before_push": true}"#, main: Self.endlessJudge)
        try await node.start()
        let place = try await GitHTTPSuite.makePlace(on: node)
        for _ in 0..<2 {
            let push = try await place.git.run("push", place.remote, "main", in: "work")
            #expect(!push.succeeded)
            #expect(
                push.errors.contains("remote: The server did not decide on this push within 1 s."),
                "\(push.errors)")
            #expect(push.errors.contains("[remote rejected] main -> main (pre-receive hook declined)"))
        }
        #expect(try await place.git.succeed("ls-remote", place.remote).isEmpty)
        try await place.expectNoGit()
        // The run that nobody waits for any more does not hold up the stop.
        #expect(try await node.stop().status == 0)
        #expect(try await JournalRows.states(home: node.home).isEmpty)
    }

    @Test func `a node that is killed while it decides leaves the refs as they were`() async throws {
        let node = try RunningNode.prepare(properties: Self.patience)
        try node.installPlugin(
            "com.example.judge", permissions: #"{"before_push": true}"#, main: Self.endlessJudge)
        try await node.start()
        let place = try await GitHTTPSuite.makePlace(on: node)
        let client = Task { try await place.git.run("push", place.remote, "main", in: "work") }
        try await waitUntil("the judge", detail: { node.log }) {
            node.log.contains("judging refs/heads/main")
        }
        try await node.kill()
        let push = try await client.value
        #expect(!push.succeeded)
        // The node is gone, so the sentence is git's own.
        #expect(push.errors.contains("fatal: ") || push.errors.contains("error: "), "\(push.errors)")
        #expect(!push.errors.contains("main -> main\n"), "\(push.errors)")
        try await place.expectNoGit()
        let folder = "\(node.home)/shared/data/repositories/\(place.id)"
        #expect(try await place.git.refs(in: folder).isEmpty)

        try FileManager.default.removeItem(
            atPath: "\(node.home)/shared/plugins/installed-plugins/com.example.judge")
        try await node.start()
        #expect(try await place.git.succeed("ls-remote", place.remote).isEmpty)
        try await place.git.succeed("push", "--quiet", place.remote, "main", in: "work")
        try await node.stop()
        let states = try await JournalRows.states(home: node.home)
        #expect(states.count == 1 && !states.contains("intended"), "\(states)")
    }

    @Test func `a home whose path is too long for a socket takes pushes`() async throws {
        let directory = try TemporaryDirectory(String(repeating: "long", count: 40))
        let node = try RunningNode.prepare(directory: directory)
        #expect("\(node.home)/run/hooks/hook.sock".utf8.count > 107)
        try node.installPlugin(
            "com.example.judge", permissions: #"{"before_push": true}"#,
            main: """
                perigee.events.before_push(function(push)
                  if push.changes[1].ref.displayId == "no" then return false, "not this one" end
                end)
                """)
        try await node.start()
        let place = try await GitHTTPSuite.makePushedPlace(on: node)
        let refused = try await place.git.run("push", place.remote, "main:no", in: "work")
        #expect(refused.errors.contains("remote: "), "\(refused.errors)")
        #expect(refused.errors.contains("not this one"), "\(refused.errors)")
        #expect(try await place.git.succeed("ls-remote", place.remote).contains("refs/heads/main"))
        // The folder that stands in is removed by a stop, and after a kill by the next start.
        let folder = try FileManager.default.destinationOfSymbolicLink(atPath: "\(node.home)/run/hooks")
        #expect(FileManager.default.fileExists(atPath: "\(folder)/hook.sock"))
        try await node.kill()
        try await node.start()
        #expect(!FileManager.default.fileExists(atPath: folder))
        let second = try FileManager.default.destinationOfSymbolicLink(atPath: "\(node.home)/run/hooks")
        try await place.git.succeed("push", "--quiet", place.remote, "main:other", in: "work")
        try await node.stop()
        #expect(!FileManager.default.fileExists(atPath: second))
    }
}
