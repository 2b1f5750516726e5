import Foundation
import NodeTestKit
import Portable
import Testing

/// The node carries out small pushes itself and leaves large ones to `git receive-pack`; nobody sees a
/// difference.
extension GitHTTPSuite {
    @Suite struct PushPaths {
        @Test(arguments: PushWay.allCases) func `a refusal is shown and nothing of the push stays`(
            way: PushWay
        ) async throws {
            let place = try await GitHTTPSuite.makePushedPlace()
            let hook = "/rest/api/latest/projects/\(place.key)/repos/app/settings/hooks/branch-protection"
            #expect(try await place.node.http.put(hook + "/enabled").status == 200)
            let settings = PortableValue.map(["no_force_push": .list([.string("main")])])
            #expect(try await place.node.http.put(hook + "/settings", settings).status == 200)
            let before = try await place.git.succeed("ls-remote", place.remote)
            try await place.git.succeed("commit", "--quiet", "--amend", "-m", "rewritten", in: "work")
            try await place.commit(for: way)
            let outcome = try await place.push("--force", place.remote, "main")
            #expect(!outcome.succeeded)
            #expect(outcome.errors.contains("remote: "), "\(outcome.errors)")
            #expect(outcome.errors.contains("[remote rejected] main -> main (pre-receive hook declined)"))
            #expect(try await place.git.succeed("ls-remote", place.remote) == before)
            let objects = "\(place.node.home)/shared/data/repositories/\(place.id)/objects"
            try await waitUntil("the quarantine's end") {
                try FileManager.default.contentsOfDirectory(atPath: objects).allSatisfy {
                    !$0.hasPrefix("tmp_objdir")
                }
            }
        }

        @Test(arguments: PushWay.allCases) func `each ref of a push has its own answer, unless it is atomic`(
            way: PushWay
        ) async throws {
            let place = try await GitHTTPSuite.makePushedPlace()
            let old = try await place.head()
            try await place.git.succeed("push", "--quiet", place.remote, "main:side/way", in: "work")
            try await place.commit(for: way)
            let new = try await place.head()
            // "side" cannot be beside "side/way".
            let atomic = try await place.push("--atomic", place.remote, "main", "main:side")
            #expect(!atomic.succeeded)
            #expect(atomic.errors.components(separatedBy: "[remote rejected]").count == 3, "\(atomic.errors)")
            var refs = try await place.git.succeed("ls-remote", place.remote, "refs/*")
            #expect(refs == "\(old)\trefs/heads/main\n\(old)\trefs/heads/side/way")
            let each = try await place.push(place.remote, "main", "main:side")
            #expect(!each.succeeded)
            #expect(each.errors.contains("main -> side (failed to update ref)"), "\(each.errors)")
            refs = try await place.git.succeed("ls-remote", place.remote, "refs/*")
            #expect(refs == "\(new)\trefs/heads/main\n\(old)\trefs/heads/side/way")
        }

        @Test(arguments: PushWay.allCases) func `objects that are not sound are refused with git's words`(
            way: PushWay
        ) async throws {
            let place = try await GitHTTPSuite.makePushedPlace()
            try await place.commit(for: way)
            let tree = try await place.git.succeed("rev-parse", "HEAD^{tree}", in: "work")
            let text = "tree \(tree)\nauthor broken\ncommitter broken\n\nno dates\n"
            let bad = try await place.git.succeed(
                "hash-object", "-t", "commit", "-w", "--stdin", "--literally", in: "work",
                input: Data(text.utf8))
            let outcome = try await place.push(place.remote, "\(bad):refs/heads/bad")
            #expect(!outcome.succeeded)
            #expect(outcome.errors.contains("unpacker error"), "\(outcome.errors)")
            #expect(outcome.errors.contains("\(bad)"), "\(outcome.errors)")
            #expect(try await !place.git.succeed("ls-remote", place.remote).contains("refs/heads/bad"))
            try await place.expectHealthy()
        }

        @Test(arguments: PushWay.allCases) func `tags of anything, and branches of commits alone`(
            way: PushWay
        ) async throws {
            let place = try await GitHTTPSuite.makePushedPlace()
            try await place.commit(for: way)
            let (git, remote) = (place.git, place.remote)
            #expect(try await place.push(remote, "HEAD^{tree}:refs/tags/tree").succeeded)
            try await git.succeed("tag", "-a", "-m", "note", "note", in: "work")
            let branch = try await place.push(remote, "note:refs/heads/note")
            #expect(!branch.succeeded)
            #expect(branch.errors.contains("[remote rejected] note -> note"), "\(branch.errors)")
            #expect(try await place.push(remote, "note").succeeded)
            let refs = try await git.succeed("ls-remote", remote)
            #expect(refs.contains("refs/tags/note^{}") && refs.contains("refs/tags/tree"))
            #expect(!refs.contains("refs/heads/note"))
        }

        @Test func `what is there already needs no objects`() async throws {
            let place = try await GitHTTPSuite.makePushedPlace()
            #expect(try await place.push(place.remote, "main:again", "main:refs/tags/t").succeeded)
            let head = try await place.head()
            #expect(
                try await place.git.succeed("ls-remote", place.remote, "refs/*")
                    == "\(head)\trefs/heads/again\n\(head)\trefs/heads/main\n\(head)\trefs/tags/t")
        }

        @Test func `git judges only packs that are not plain`() async throws {
            let place = try await GitHTTPSuite.makePushedPlace()
            func packs(by who: String) async throws -> Int {
                let line = "perigee_push_packs_total{checked_by=\"\(who)\"} "
                let lines = try await place.node.http.get("/metrics").text.split(separator: "\n")
                return try lines.first { $0.hasPrefix(line) }
                    .map { try #require(Int($0.dropFirst(line.count))) } ?? 0
            }
            let before = try await (node: packs(by: "node"), git: packs(by: "git"))
            try await place.git.commit(in: "work", file: "folder/plain", text: "text\n")
            try await place.git.succeed("push", "--quiet", place.remote, "main", in: "work")
            #expect(try await packs(by: "node") > before.node)
            try await place.git.commit(in: "work", file: "with~tilde", text: "text\n")
            try await place.git.succeed("push", "--quiet", place.remote, "main", in: "work")
            try await place.git.succeed("tag", "-m", "a tag", "annotated", in: "work")
            try await place.git.succeed("push", "--quiet", place.remote, "annotated", in: "work")
            // Other tests push to the same node meanwhile.
            #expect(try await packs(by: "git") >= before.git + 2)
            try await place.git.succeed("clone", "--quiet", "--bare", place.remote, "judged.git")
            try await place.git.succeed("fsck", "--full", "--strict", in: "judged.git")
        }

        @Test func `packs are put together after many pushes, and every commit stays`() async throws {
            let place = try await GitHTTPSuite.makePushedPlace()
            for _ in 0..<48 {
                try await place.commit(for: .inNode)
                try await place.git.succeed("push", "--quiet", place.remote, "main", in: "work")
            }
            let folder = "\(place.node.home)/shared/data/repositories/\(place.id)/objects/pack"
            try await waitUntil("few packs") {
                try FileManager.default.contentsOfDirectory(atPath: folder).count { $0.hasSuffix(".pack") }
                    < 20
            }
            try await place.git.succeed("clone", "--quiet", "--bare", place.remote, "copy.git")
            #expect(
                try await place.git.succeed("rev-list", "main", in: "copy.git")
                    == place.git.succeed("rev-list", "main", in: "work"))
        }
    }
}
