import Foundation
import NodeTestKit
import Testing

/// What developers do all day, with stock git.
extension GitHTTPSuite {
    @Suite struct CloneAndPush {
        @Test(arguments: [0, 1, 2])
        func `git pushes, clones and fetches in every protocol version`(version: Int) async throws {
            let place = try await GitHTTPSuite.makePlace()
            let git = place.git
            let remote = place.remote
            let setting = "protocol.version=\(version)"
            try await git.succeed("branch", "feature/one", in: "work")
            try await git.succeed("tag", "v1", in: "work")
            try await git.succeed("tag", "-a", "-m", "second", "v2", in: "work")
            try await git.succeed("-c", setting, "push", "--quiet", remote, "--all", in: "work")
            try await git.succeed("-c", setting, "push", "--quiet", remote, "--tags", in: "work")

            try await git.succeed("-c", setting, "clone", "--quiet", "--mirror", remote, "clone.git")
            #expect(try await git.refs(in: "clone.git") == git.refs(in: "work"))
            try await git.succeed("fsck", "--full", in: "clone.git")

            let next = try await git.commit(in: "work", file: "second.txt", text: "2\n")
            try await git.succeed("-c", setting, "push", "--quiet", remote, "main", in: "work")
            try await git.succeed("-c", setting, "fetch", "--quiet", "origin", in: "clone.git")
            #expect(try await git.succeed("rev-parse", "refs/heads/main", in: "clone.git") == next)
        }

        @Test func `branches can be forced, deleted and pushed all or none`() async throws {
            let place = try await GitHTTPSuite.makePlace()
            let git = place.git
            let remote = place.remote
            try await git.succeed("push", "--quiet", remote, "main", "main:gone", in: "work")
            try await git.succeed("commit", "--quiet", "--amend", "-m", "rewritten", in: "work")

            let refused = try await git.run("push", remote, "main", in: "work")
            #expect(!refused.succeeded)
            // One of the two is not a fast-forward: with --atomic the other does not happen either.
            let atomic = try await git.run("push", "--atomic", remote, "main", "main:other", in: "work")
            #expect(!atomic.succeeded)
            #expect(try await !git.succeed("ls-remote", remote).contains("refs/heads/other"))

            try await git.succeed("push", "--quiet", "--force", remote, "main", in: "work")
            try await git.succeed("push", "--quiet", "--delete", remote, "gone", in: "work")
            let head = try await git.succeed("rev-parse", "HEAD", in: "work")
            #expect(try await git.succeed("ls-remote", remote, "refs/*") == "\(head)\trefs/heads/main")

            try await git.succeed("push", "--quiet", "--atomic", remote, "main:a", "main:b", in: "work")
            try await git.succeed("push", "--quiet", "-o", "reason=test", remote, "main:c", in: "work")
            #expect(try await git.succeed("ls-remote", "--heads", remote).split(separator: "\n").count == 4)
        }

        @Test func `shallow and partial clones get only what they ask for`() async throws {
            let place = try await GitHTTPSuite.makePlace()
            let git = place.git
            let remote = place.remote
            for number in 1...5 { try await git.commit(in: "work", file: "f\(number)", text: "\(number)\n") }
            try await git.succeed("push", "--quiet", remote, "main", in: "work")

            try await git.succeed("clone", "--quiet", "--depth=2", "--branch=main", remote, "shallow")
            #expect(try await git.succeed("rev-list", "--count", "HEAD", in: "shallow") == "2")
            try await git.succeed("fetch", "--quiet", "--unshallow", in: "shallow")
            #expect(try await git.succeed("rev-list", "--count", "HEAD", in: "shallow") == "6")

            try await git.succeed("clone", "--quiet", "--bare", "--filter=blob:none", remote, "partial.git")
            let missing = try await git.succeed(
                "rev-list", "--objects", "--all", "--missing=print", in: "partial.git")
            #expect(missing.split(separator: "\n").count { $0.hasPrefix("?") } == 6)
            // What is missing is fetched when it is wanted.
            #expect(try await git.succeed("show", "main:f3", in: "partial.git") == "3")
        }

        @Test func `a large push goes in chunks and comes back whole`() async throws {
            let place = try await GitHTTPSuite.makePlace()
            let git = place.git
            let path = git.directory.path("work")
            var random = SystemRandomNumberGenerator()
            let bytes = Data((0..<500_000).flatMap { _ in withUnsafeBytes(of: random.next()) { Array($0) } })
            try bytes.write(to: URL(fileURLWithPath: "\(path)/large.bin"))
            try await git.succeed("add", "large.bin", in: "work")
            try await git.succeed("commit", "--quiet", "-m", "large", in: "work")
            try await git.succeed(
                "-c", "http.postBuffer=65536", "push", "--quiet", place.remote, "main", in: "work")
            try await git.succeed("clone", "--quiet", "--branch=main", place.remote, "copy")
            let copy = try Data(contentsOf: URL(fileURLWithPath: git.directory.path("copy/large.bin")))
            #expect(copy == bytes)
        }

        @Test func `an empty repository can be cloned and its first push makes its branch`() async throws {
            let place = try await GitHTTPSuite.makePlace()
            let git = place.git
            let clone = try await git.run("clone", place.remote, "empty")
            #expect(clone.succeeded)
            #expect(clone.errors.contains("empty repository"))
            try await git.commit(in: "empty", file: "a", text: "a\n")
            try await git.succeed("push", "--quiet", "origin", "HEAD", in: "empty")
            #expect(
                try await git.succeed("ls-remote", "--heads", "origin", in: "empty").contains("refs/heads/"))
        }

        @Test func `addresses work without .git, in any case, and with the personal project's tilde`()
            async throws
        {
            let place = try await GitHTTPSuite.makePlace()
            let (node, git, key) = (place.node, place.git, place.key)
            let own = GitHTTPSuite.unique("own")
            try await node.makeRepository("~admin", own)
            try await git.succeed("push", "--quiet", place.remote, "main", in: "work")
            try await git.succeed("push", "--quiet", node.remote("~admin", own), "main", in: "work")
            let base = place.remote.replacingOccurrences(of: "/\(key.lowercased())/app.git", with: "")
            for address in [
                "/\(key)/App", "/\(key.lowercased())/APP.git", "/~admin/\(own)", "/%7Eadmin/\(own).git",
            ] {
                #expect(
                    try await git.succeed("ls-remote", "--heads", base + address).contains("refs/heads/main"))
            }
        }
    }
}
