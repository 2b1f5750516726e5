import Foundation
import NodeTestKit
import Portable
import Testing

/// The plugin `push-mirror` against another node over HTTP.
@Suite struct PushMirrorTests {
    @Test func `the remote gets what is pushed, rewritten and deleted, and keeps what only it has`()
        async throws
    {
        let scene = try await PushMirrorScene.start()
        try await scene.git.succeed("tag", "v1", in: "work")
        try await scene.push("main", "main:dev", "v1")
        try await scene.configure()
        try await scene.waitForCopy()

        // Somebody else pushes there: a branch of their own, and onto ours.
        try await scene.git.succeed("checkout", "--quiet", "-b", "foreign", in: "work")
        try await scene.git.commit(in: "work", file: "b.txt", text: "theirs")
        let theirs = try await scene.git.succeed("rev-parse", "HEAD", in: "work")
        let address = scene.remote.remote("DST", "copy")
        try await scene.git.succeed(
            "push", "--quiet", address, "foreign:onlythere", "foreign:main", in: "work")
        try await scene.git.succeed("checkout", "--quiet", "main", in: "work")
        try await scene.git.succeed("commit", "--quiet", "--amend", "-m", "rewritten", in: "work")
        try await scene.push("--force", "main", ":dev", ":refs/tags/v1")
        try await scene.waitForCopy(besides: ["refs/heads/onlythere"])
        let told = try await scene.waitForStatus("overwritten") { $0["overwritten"] != nil }
        #expect(told["overwritten"]?["refs"]?[0]?["id"] == "refs/heads/main")
        #expect(told["overwritten"]?["refs"]?[0]?["from"] == .string(theirs))

        #expect(try await scene.source.http.post("/plugins/push-mirror/sync/1", [:]).status == 202)
        let extra = try await scene.waitForStatus("extra refs") { $0["extra"] != nil }
        #expect(extra["extra"]?["refs"]?[0]?["id"] == "refs/heads/onlythere")
        #expect(try await scene.remoteRefs.contains { $0.hasSuffix("refs/heads/onlythere") })

        try await scene.configure(["prune": true, "refs": ["refs/heads/*", "^refs/heads/private/*"]])
        try await scene.push("main:private/x")
        try await waitUntil("what only the remote had to be gone") {
            try await scene.remoteRefs.map { $0.suffix(15) } == ["refs/heads/main"]
        }
        try await scene.waitForStatus("all is well") { $0["attempt"] == 0 && $0["behind"] == 0 }
    }

    @Test func `a remote that is away gets all of it when it is back`() async throws {
        let scene = try await PushMirrorScene.start()
        try await scene.push("main", "main:old")
        try await scene.configure()
        try await scene.waitForCopy()
        scene.line.behave(.reset)
        try await scene.push(":old")
        for number in 1...20 { try await scene.pushCommit("\(number)") }
        let failing = try await scene.waitForStatus("several attempts") {
            ($0["attempt"]?.integerValue ?? 0) > 2 && ($0["behind"]?.integerValue ?? 0) > 0
        }
        #expect(failing["outcome"] == "unreachable")
        #expect(failing["last_error"]?["message"]?.stringValue?.contains("127.0.0.1") == true)
        // What has to be done outlives the node.
        try await scene.source.restart()
        let before = scene.pushesTaken
        scene.line.behave(.forward)
        try await scene.waitForCopy()
        try await scene.waitForStatus("no more trouble") { $0["attempt"] == 0 && $0["outcome"] == "pushed" }
        #expect((1...3).contains(scene.pushesTaken - before))
    }

    @Test func `wrong credentials and rejected refs are told, and no secret anywhere`() async throws {
        let scene = try await PushMirrorScene.start()
        try await scene.push("main")
        try await scene.configure(["password": "wr0ng-Passw0rd"])
        try await scene.waitForStatus("unauthorized") { $0["outcome"] == "unauthorized" }
        // An address alone takes no password along that was given for another one.
        try await scene.configure(["url": .string(scene.url + "/"), "password": .null])
        try await scene.waitForStatus("still unauthorized") {
            $0["outcome"] == "unauthorized" && $0["url"] == .string(scene.url + "/")
        }
        try await scene.configure()
        try await scene.waitForCopy()

        let guardian = "/rest/api/1.0/projects/DST/repos/copy/settings/hooks/branch-protection"
        _ = try await scene.remote.http.put(guardian + "/settings", ["no_force_push": ["main"]])
        _ = try await scene.remote.http.put(guardian + "/enabled")
        try await scene.git.succeed("commit", "--quiet", "--amend", "-m", "rewritten", in: "work")
        try await scene.push("--force", "main", "main:free")
        let status = try await scene.waitForStatus("rejected") { $0["outcome"] == "rejected" }
        #expect(
            status["rejected"]?.listValue?.contains { $0["id"] == "refs/heads/main" } == true, "\(status)")
        #expect(status["last_error"]?["said"]?.stringValue?.contains("no_force_push") == true)

        let seen = [
            scene.source.log, scene.source.standardError,
            try await scene.source.http.get(PushMirrorScene.hook + "/settings").text,
            try await scene.source.http.get("/plugins/push-mirror/status").text,
            try await scene.source.http.get("/rest/plugins/1.0/push-mirror/kv?limit=100").text,
        ]
        let basic = Data("mirror:\(PushMirrorScene.password)".utf8).base64EncodedString()
        for secret in [PushMirrorScene.password, basic, "wr0ng-Passw0rd"] {
            for text in seen { #expect(!text.contains(secret)) }
        }
        let ordinary = scene.source.anonymous
        #expect(try await ordinary.get("/plugins/push-mirror/status/1").status != 200)
    }

    @Test func `a node killed in the middle of a push brings it after its next start`() async throws {
        let scene = try await PushMirrorScene.start()
        try await scene.push("main")
        scene.line.behave(.blackHole)
        try await scene.configure()
        try await waitUntil("a push under way") { !scene.pushes.isEmpty && scene.line.connections > 0 }
        let tmp = scene.source.home + "/tmp"
        #expect(try FileManager.default.contentsOfDirectory(atPath: tmp).contains { $0.hasPrefix("push-") })
        try await scene.source.kill()
        try await scene.source.start()
        scene.line.behave(.forward)
        try await scene.waitForCopy()
        try await waitUntil("no files with credentials") {
            try !FileManager.default.contentsOfDirectory(atPath: tmp).contains { $0.hasPrefix("push-") }
        }
    }

    @Test func `a plugin that is switched off takes its git with it, which shows no secret`() async throws {
        let scene = try await PushMirrorScene.start()
        try await scene.push("main")
        scene.line.behave(.blackHole)
        try await scene.configure()
        try await waitUntil("a push under way") { !scene.pushes.isEmpty && scene.line.connections > 0 }
        let basic = Data("mirror:\(PushMirrorScene.password)".utf8).base64EncodedString()
        for push in scene.pushes {
            let variables = FileManager.default.contents(atPath: "/proc/\(push.id)/environ") ?? Data()
            for secret in [PushMirrorScene.password, basic] {
                #expect(!push.command.contains(secret))
                #expect(!String(decoding: variables, as: UTF8.self).contains(secret))
            }
        }
        #expect(try await scene.source.http.put("/rest/plugins/1.0/push-mirror/disable").status == 200)
        try await waitUntil("no git process") { scene.pushes.isEmpty }
        scene.line.behave(.forward)
        #expect(try await scene.source.http.put("/rest/plugins/1.0/push-mirror/enable").status == 200)
        try await scene.waitForCopy()
    }

    @Test func `a push that takes too long is ended and told`() async throws {
        let scene = try await PushMirrorScene.start(settings: ["timeout": "1s"])
        try await scene.push("main")
        scene.line.behave(.blackHole)
        try await scene.configure()
        try await scene.waitForStatus("too late") { $0["outcome"] == "timeout" }
        scene.line.behave(.forward)
        _ = try await scene.source.http.put(
            "/rest/plugins/1.0/push-mirror/settings", ["retry_first": "100ms", "retry_longest": "1s"])
        try await scene.waitForCopy()
    }

    @Test func `projects are mirrored to the server's remote, but for those left out`() async throws {
        let scene = try await PushMirrorScene.start()
        try await scene.remote.makeRepository("PRJ", "app")
        try await scene.remote.grant("mirror", "PROJECT_ADMIN", project: "PRJ")
        try await scene.source.makeRepository("PRJ", "secret")
        try await scene.push("main")
        let answer = try await scene.source.http.put(
            "/rest/plugins/1.0/push-mirror/settings",
            [
                "url": .string("http://127.0.0.1:\(scene.line.port)/scm/{project}/{slug}.git"),
                "username": "mirror", "password": .string(PushMirrorScene.password),
                "projects": ["PRJ", "^prj/secret"], "retry_first": "100ms",
            ])
        #expect(answer.status == 200)
        try await scene.pushCommit("two")
        let tip = try await scene.git.succeed("rev-parse", "main", in: "work")
        try await waitUntil("the remote to have the project's repository") {
            try await scene.git.run("ls-remote", scene.remote.remote("PRJ", "app"), "main").output.hasPrefix(
                tip)
        }
        #expect(try await scene.source.http.post("/plugins/push-mirror/sync/2", [:]).status == 409)
    }
}
