import Foundation
import NodeTestKit
import Portable
import Testing

/// A disk without room: a sentence, nothing half done, and all well again once there is room.
@Suite(
    .serialized,
    .enabled("needs root, to mount a small disk") { await MountedDisk.isAvailable(.memory) })
struct FullDiskTests {
    @Test func `a push onto a full disk is refused with a sentence and changes no ref; the node serves on`()
        async throws
    {
        let node = try RunningNode.prepare()
        let disk = try await MountedDisk.make(
            .memory, megabytes: 8, at: "home/shared/data/repositories", in: node.directory)
        try await node.start()
        let place = try await GitHTTPSuite.makePushedPlace(on: node)
        let (git, remote, process) = (place.git, place.remote, node.processID)
        let before = try await git.succeed("ls-remote", remote)
        try await git.commit(in: "work", file: "new", text: "new\n")
        try disk.fill()

        let push = try await git.run("push", remote, "main", "main:other", in: "work")
        #expect(!push.succeeded)
        #expect(push.errors.contains("remote: "), "\(push.errors)")
        #expect(push.errors.contains("No space left on device"), "\(push.errors)")
        let made = try await node.http.post(
            "/rest/api/latest/projects/\(place.key)/repos", ["name": "second", "scmId": "git"])
        try expectFull(made)
        let branch = try await node.http.post(
            "/rest/api/latest/projects/\(place.key)/repos/app/branches",
            ["name": "fromrest", "startPoint": "main"])
        #expect(branch.status == 200 || branch.status >= 500, "\(branch.status) \(branch.text)")
        // What can be read is read.
        try await git.succeed("clone", "--quiet", "--branch=main", remote, "copy")
        #expect(try await node.anonymous.get("/status").status == 200)

        try disk.free()
        if branch.status != 200 { #expect(try await git.succeed("ls-remote", remote) == before) }
        try await git.succeed("push", "--quiet", remote, "main", "main:other", in: "work")
        try await node.makeRepository(place.key, "second")
        #expect(try await git.succeed("ls-remote", "--heads", remote).contains("refs/heads/other"))
        let repository = "\(disk.path)/\(place.id)"
        try await git.succeed("fsck", "--full", "--strict", in: repository)
        #expect(node.processID == process)
        #expect(try await node.stop().status == 0)
        try await disk.unmount()
    }

    @Test func `while the database has no room nothing is accepted, and what was is kept`() async throws {
        let node = try RunningNode.prepare()
        let data = try await MountedDisk.make(
            .memory, megabytes: 8, at: "home/shared/data", in: node.directory)
        let repositories = try await MountedDisk.make(
            .memory, megabytes: 30, at: "home/shared/data/repositories", in: node.directory)
        try await node.start()
        let place = try await GitHTTPSuite.makePushedPlace(on: node)
        let (git, remote, process) = (place.git, place.remote, node.processID)

        let refused = try await refusedProject(on: node, full: data)
        try expectFull(refused)
        let push = try await refusedPush(git, to: remote, full: data)
        #expect(push.outcome.errors.contains("remote: The server's disk is full."), "\(push.outcome.errors)")
        #expect(try await git.succeed("ls-remote", remote) == push.before)
        #expect(try await node.http.get("/rest/api/latest/projects/\(place.key)").status == 200)
        try await git.succeed("clone", "--quiet", "--branch=main", remote, "copy")
        #expect(try await node.anonymous.get("/status").text == #"{"state":"RUNNING"}"#)

        try data.free()
        try await git.succeed("push", "--quiet", remote, "HEAD:refs/heads/after", in: "work")
        try await node.makeProject("AFTER")
        let kept = try await git.succeed("ls-remote", remote)
        #expect(node.processID == process)
        // The push that was refused is not thought of again by the next start.
        try await node.restart()
        let again = node.remote(place.key, "app")
        #expect(try await git.succeed("ls-remote", again) == kept)
        #expect(try await node.http.get("/rest/api/latest/projects/AFTER").status == 200)
        try await node.stop()
        try await repositories.unmount()
        try await data.unmount()
    }

    @Test func `a home without room for anything is not the end of its node`() async throws {
        let node = try RunningNode.prepare()
        let disk = try await MountedDisk.make(.memory, megabytes: 40, at: "home", in: node.directory)
        try await node.start()
        let place = try await GitHTTPSuite.makePushedPlace(on: node)
        let (git, remote, process) = (place.git, place.remote, node.processID)
        let head = try await place.head()
        try expectFull(try await refusedProject(on: node, full: disk))
        try await git.commit(in: "work", file: "new", text: "new\n")
        let push = try await git.run("push", remote, "main:late", in: "work")
        #expect(!push.succeeded)
        #expect(push.errors.contains("remote: "), "\(push.errors)")
        #expect(try await git.succeed("ls-remote", remote, "refs/heads/*") == "\(head)\trefs/heads/main")
        try disk.free()
        try await git.succeed("push", "--quiet", remote, "main:late", in: "work")
        try await node.makeProject("AFTER")
        #expect(node.processID == process)
        #expect(try await node.stop().status == 0)
        try await disk.unmount()
    }

    private func expectFull(_ answer: HTTPAnswer, location: SourceLocation = #_sourceLocation) throws {
        #expect(answer.status == 507, sourceLocation: location)
        let message = answer.error?["message"]?.stringValue ?? answer.text
        #expect(
            message == "The server's disk is full. Ask the administrator to free space.",
            sourceLocation: location)
    }

    /// Makes projects until one is refused: the log of the database has some room of its own.
    private func refusedProject(on node: RunningNode, full disk: MountedDisk) async throws -> HTTPAnswer {
        for number in 0..<500 {
            try disk.fill()
            let body: PortableValue = ["key": .string("F\(number)"), "name": .string("F\(number)")]
            let answer = try await node.http.post("/rest/api/latest/projects", body)
            if answer.status != 201 { return answer }
        }
        throw TestKitError.protocolViolation("500 projects fit on a full disk")
    }

    /// Pushes until a push is refused, likewise.
    private func refusedPush(
        _ git: GitClient, to remote: String, full disk: MountedDisk
    ) async throws -> (outcome: ProcessOutcome, before: String) {
        for number in 0..<200 {
            try disk.fill()
            let before = try await git.succeed("ls-remote", remote)
            try await git.commit(in: "work", file: "file", text: "\(number)\n")
            let outcome = try await git.run("push", remote, "HEAD:refs/heads/p\(number)", in: "work")
            if !outcome.succeeded { return (outcome, before) }
        }
        throw TestKitError.protocolViolation("200 pushes fit on a full disk")
    }
}
