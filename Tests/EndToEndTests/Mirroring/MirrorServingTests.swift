import Foundation
import NodeTestKit
import Portable
import Testing

/// Who a mirror serves is the upstream's decision, and what it does not answer itself goes there.
@Suite(.serialized)
struct MirrorServingTests {
    @Test func readersAreThoseOfTheUpstream() async throws {
        let scene = try await MirrorScene.start()
        let place = try await scene.makePlace()
        let (reader, stranger) = (try await place.makeUser(), try await place.makeUser(nil))
        try await place.git.succeed("clone", "--quiet", "--mirror", place.remote(reader), "copy")
        #expect(try await place.git.refs(in: "copy").contains("refs/heads/main"))
        #expect(try await place.mayRead(reader))
        #expect(try await !place.mayRead(stranger))
        #expect(try await !place.mayRead(nil))
        #expect(try await !place.mayRead(reader, password: "wrong"))
        let target = "/scm/\(place.key)/app.git/info/refs?service=git-upload-pack"
        #expect(try await scene.mirror.anonymous.get(target).status == 401)
        #expect(try await scene.mirror.anonymous.basic(reader, "wrong").get(target).status == 401)
        #expect(try await scene.mirror.anonymous.basic(stranger, "user-Passw0rd").get(target).status == 404)

        // A right that is taken away there is gone here as soon as the link has told.
        let grant = "/rest/api/latest/projects/\(place.key)/repos/app/permissions/users?name=\(reader)"
        #expect(try await scene.primary.http.delete(grant).status == 204)
        try await waitUntil("a mirror that refuses the reader", detail: { scene.mirror.log }) {
            try await !place.mayRead(reader)
        }
        // And what becomes public there is public here.
        let change: PortableValue = ["public": true]
        let url = "/rest/api/latest/projects/\(place.key)/repos/app"
        let changed = try await scene.primary.http.put(url, change)
        #expect((200..<300).contains(changed.status), "\(changed.text)")
        try await waitUntil("a mirror that serves everybody") { try await place.mayRead(nil) }
        try await scene.stop()
    }

    @Test func aPushIsShownByTheMirrorWhenItIsAnswered() async throws {
        let scene = try await MirrorScene.start()
        let place = try await scene.makePlace()
        let writer = try await place.makeUser("REPO_WRITE")
        for round in 0..<5 {
            let head = try await place.git.commit(in: "work", file: "\(round).txt", text: "\(round)\n")
            let outcome = try await place.git.run("push", place.remote(writer), "main", in: "work")
            #expect(outcome.succeeded, "\(outcome.errors)")
            #expect(!outcome.errors.contains("does not show it yet"), "\(outcome.errors)")
            #expect(try await place.shown() == head)
        }
        // One that is too large for the short way.
        let path = place.git.directory.path("work/random.bin")
        try FastImport.noise(bytes: 3_000_000).write(to: URL(fileURLWithPath: path))
        let head = try await place.git.commit(in: "work", file: "x", text: "x")
        try await place.git.succeed("add", "random.bin", in: "work")
        try await place.git.succeed("commit", "--quiet", "--amend", "--no-edit", in: "work")
        let large = try await place.git.succeed("rev-parse", "HEAD", in: "work")
        #expect(large != head)
        try await place.git.succeed(
            "push", "--quiet", place.remote(writer), "main", "main:side", in: "work")
        #expect(try await place.shown() == large)
        #expect(try await place.shown("refs/heads/side") == large)
        try await place.git.succeed("push", "--quiet", place.remote(writer), ":side", in: "work")
        #expect(try await place.shown("refs/heads/side") == "")

        let reader = try await place.makeUser("REPO_READ")
        try await place.git.commit(in: "work", file: "no.txt", text: "no\n")
        let refused = try await place.git.run("push", place.remote(reader), "main", in: "work")
        #expect(!refused.succeeded)
        #expect(refused.errors.contains("403"), "\(refused.errors)")
        #expect(try await place.shown() == large)
        try await scene.stop()
    }

    @Test func whatTheMirrorDoesNotHaveIsFetchedThrough() async throws {
        let scene = try await MirrorScene.start()
        let place = try await scene.makePlace()
        let reader = try await place.makeUser()
        try await place.git.succeed("clone", "--quiet", "--mirror", place.remote(reader), "copy")
        // The mirror follows no longer, but is asked for what only the upstream has.
        let outcome = try await scene.mirror.perigee(
            "plugin", "disable", "mirroring", "--home", scene.mirror.home)
        try #require(outcome.succeeded, "\(outcome.errors)")
        let head = try await place.git.commit(in: "work", file: "later.txt", text: "later\n")
        try await place.git.succeed(
            "push", "--quiet", scene.primary.remote(place.key, "app"), "main", in: "work")
        #expect(try await place.shown() != head)
        for version in [0, 2] {
            try await place.git.succeed("init", "--quiet", "--bare", "v\(version)")
            let fetched = try await place.git.run(
                "-c", "protocol.version=\(version)", "fetch", "--quiet", place.remote(reader), head,
                in: "v\(version)")
            // Clients of version 0 ask only for what was listed.
            guard version == 2 else { continue }
            #expect(fetched.succeeded, "\(fetched.errors)")
            #expect(try await place.git.run("cat-file", "-e", head, in: "v2").succeeded)
        }
        // A push is done all the same, and its client is told that the mirror is behind.
        let pushed = try await place.git.run("push", place.remote(), "main:behind", in: "work")
        #expect(pushed.succeeded && pushed.errors.contains("does not show it yet"), "\(pushed.errors)")
        let stranger = try await place.makeUser(nil)
        try await place.git.succeed("init", "--quiet", "--bare", "none")
        #expect(
            try await !place.git.run("fetch", place.remote(stranger), head, in: "none").succeeded)

        // And a repository that is not mirrored yet.
        let other = try await scene.makePlace(isShown: false)
        try await other.git.succeed("clone", "--quiet", "--mirror", other.remote(), "copy")
        #expect(try await other.git.refs(in: "copy").contains("refs/heads/main"))
        #expect(try await !other.mayRead(reader))
        try await scene.stop()
    }

    @Test func withoutTheUpstreamReadersGoOnAndPushesAreToldWhy() async throws {
        let scene = try await MirrorScene.start()
        let place = try await scene.makePlace()
        let reader = try await place.makeUser("REPO_WRITE")
        #expect(try await place.mayRead(reader))
        scene.proxy.behave(.reset)
        try await place.git.succeed("clone", "--quiet", "--mirror", place.remote(reader), "copy")
        let target = "/scm/\(place.key)/app.git/info/refs?service="
        let client = scene.mirror.anonymous.basic(reader, "user-Passw0rd")
        let push = try await client.get(target + "git-receive-pack")
        #expect(push.status == 503)
        #expect(push.text.contains("upstream"), "\(push.text)")
        let unknown = scene.mirror.anonymous.basic("nobody", "whatever")
        #expect(try await unknown.get(target + "git-upload-pack").status == 503)
        try await place.git.commit(in: "work", file: "a.txt", text: "a\n")
        let refused = try await place.git.run("push", place.remote(reader), "main", in: "work")
        #expect(!refused.succeeded && refused.errors.contains("503"), "\(refused.errors)")

        scene.proxy.behave(.forward)
        try await waitUntil("a push that is passed on again", detail: { scene.mirror.log }) {
            try await place.git.run("push", place.remote(reader), "main", in: "work").succeeded
        }
        try await scene.stop()
    }

    @Test func theSameOverSSH() async throws {
        let scene = try await MirrorScene.start()
        let made = try await scene.makePlace()
        let writer = try await made.makeUser("REPO_WRITE")
        let client = try await SSHClient.make(for: scene.primary)
        let number = try await client.register(for: writer)
        let place = made.with(client.git.environment)
        let work = place.git.directory.path("work")
        let remote = scene.mirror.sshRemote(place.key, "app")

        try await place.git.succeed("clone", "--quiet", remote, "copy")
        let head = try await place.git.commit(in: work, file: "ssh.txt", text: "ssh\n")
        let pushed = try await place.git.run("push", remote, "main", "main:side", in: work)
        #expect(pushed.succeeded, "\(pushed.errors)")
        #expect(try await place.shown() == head)
        try await place.git.succeed("push", "--quiet", remote, ":side", in: work)
        #expect(try await place.shown("refs/heads/side") == "")
        try await place.git.succeed("fetch", "--quiet", in: "copy")

        // A repository that is not here is passed on, with the holder's own rights.
        let outcome = try await scene.mirror.perigee(
            "plugin", "disable", "mirroring", "--home", scene.mirror.home)
        try #require(outcome.succeeded, "\(outcome.errors)")
        let other = try await scene.makePlace(isShown: false)
        let through = scene.mirror.sshRemote(other.key, "app")
        #expect(try await !place.git.run("ls-remote", through).succeeded)
        try await scene.primary.grant(writer, "REPO_READ", project: other.key, repository: "app")
        try await place.git.succeed("clone", "--quiet", "--mirror", through, "other")
        #expect(try await place.git.refs(in: "other").contains("refs/heads/main"))
        let refused = try await place.git.run("push", through, "main:refs/heads/new", in: "other")
        #expect(!refused.succeeded && refused.errors.contains("not push"), "\(refused.errors)")
        let later = try await place.git.commit(in: work, file: "later.txt", text: "later\n")
        try await place.git.succeed(
            "push", "--quiet", scene.primary.remote(place.key, "app"), "main", in: work)
        try await place.git.succeed("fetch", "--quiet", remote, later, in: "copy")
        #expect(try await place.git.run("cat-file", "-e", later, in: "copy").succeeded)

        let enabled = try await scene.mirror.perigee(
            "plugin", "enable", "mirroring", "--home", scene.mirror.home)
        try #require(enabled.succeeded, "\(enabled.errors)")
        try await made.waitUntilShown()
        let stranger = try await SSHClient.make(for: scene.mirror)
        #expect(try await stranger.run("git-upload-pack '\(place.key)/app.git'").status == 255)
        let taken = try await scene.primary.http.delete("/rest/ssh/latest/keys/\(number)")
        #expect(taken.status == 204)
        try await waitUntil("a mirror that refuses the key", detail: { scene.mirror.log }) {
            try await !place.git.run("ls-remote", remote).succeeded
        }
        try await scene.stop()
    }
}
