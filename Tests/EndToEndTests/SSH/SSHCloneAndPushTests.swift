import Foundation
import NodeTestKit
import Portable
import Testing

extension SSHSuite {
    @Suite struct CloneAndPush {
        @Test(arguments: [0, 1, 2])
        func `a clone has every ref in each version of the protocol`(version: Int) async throws {
            let place = try await SSHSuite.makePlace()
            try await place.git.succeed("tag", "-a", "-m", "one", "v1", in: "work")
            try await place.git.succeed("branch", "side", in: "work")
            try await place.git.succeed("push", "--quiet", "--all", place.remote, in: "work")
            try await place.git.succeed("push", "--quiet", "--tags", place.remote, in: "work")
            try await place.git.succeed(
                "-c", "protocol.version=\(version)", "clone", "--quiet", "--mirror", place.remote, "copy.git")
            #expect(
                try await place.git.refs(in: "copy.git") == (try await place.git.refs(in: "work")))
            try await place.git.succeed("push", "--quiet", place.remote, ":side", in: "work")
            try await place.git.succeed(
                "-c", "protocol.version=\(version)", "fetch", "--quiet", "--prune", in: "copy.git")
            #expect(!(try await place.git.refs(in: "copy.git")).contains("side"))
        }

        @Test(arguments: [0, 1, 2])
        func `a push arrives, and counts as one over SSH`(version: Int) async throws {
            let place = try await SSHSuite.makePlace()
            let head = try await place.git.commit(in: "work", file: "more.txt", text: "more\n")
            try await place.git.succeed(
                "-c", "protocol.version=\(version)", "push", "--quiet", place.remote, "main", in: "work")
            let refs = try await place.git.succeed("ls-remote", place.node.remote(place.key, place.name))
            #expect(refs.contains(head))
            let figures = try await place.node.http.get("/metrics").text
            #expect(figures.contains(#"perigee_pushes_total{outcome="finished",transport="ssh"}"#))
            #expect(try await place.git.run("push", place.remote, "main", in: "work").succeeded)
        }

        @Test func `keys of projects may be written in either case, with or without .git`() async throws {
            let place = try await SSHSuite.makePlace()
            for path in [
                "\(place.key.uppercased())/app.git", "\(place.key.lowercased())/app", "\(place.key)/APP.git",
            ] {
                let url = "ssh://git@127.0.0.1:\(place.node.sshPort)/\(path)"
                #expect(try await place.git.succeed("ls-remote", url).contains("refs/heads/main"))
            }
        }

        @Test func `a personal repository is found below the user's name`() async throws {
            let node = try #require(SSHSuite.current)
            try await node.makeRepository("~admin", "own")
            let client = try await SSHClient.make(for: node)
            try await client.register()
            try await client.git.makeRepository("work")
            let url = "ssh://git@127.0.0.1:\(node.sshPort)/~admin/own.git"
            try await client.git.succeed("push", "--quiet", url, "main", in: "work")
            #expect(try await client.git.succeed("ls-remote", url).contains("refs/heads/main"))
        }

        @Test func `a refused push shows the server's own words`() async throws {
            let place = try await SSHSuite.makePlace()
            let outcome = try await place.git.run("push", place.remote, ":main", in: "work")
            #expect(!outcome.succeeded)
            #expect(outcome.errors.contains("remote: main is the default branch and cannot be deleted."))
        }

        @Test func `a clone and a push go on through new keys in their middle`() async throws {
            var place = try await SSHSuite.makePlace()
            try await place.pushRandomFile(megabytes: 40, push: false)
            place.client.git.environment["GIT_SSH_COMMAND", default: ""] += " -o RekeyLimit=1M"
            try await place.git.succeed("push", "--quiet", place.remote, "main", in: "work")
            try await place.git.succeed("clone", "--quiet", "--bare", place.remote, "copy.git")
            let head = try await place.head()
            #expect(try await place.git.succeed("rev-parse", "main", in: "copy.git") == head)
            try await place.git.succeed("fsck", "--full", in: "copy.git")
        }

        @Test func `an archive comes over SSH`() async throws {
            let place = try await SSHSuite.makePlace()
            let outcome = try await place.git.run("archive", "--remote=\(place.remote)", "main", "README.md")
            #expect(outcome.succeeded, "\(outcome.errors)")
            #expect(outcome.output.contains("hello"))
        }

        @Test func `a repository's links name the address over SSH`() async throws {
            let place = try await SSHSuite.makePlace()
            let repository = try await place.node.http.get(
                "/rest/api/latest/projects/\(place.key)/repos/\(place.name)"
            ).json()
            let links = repository["links"]?["clone"]?.listValue ?? []
            let ssh = links.first { $0["name"]?.stringValue == "ssh" }?["href"]?.stringValue
            #expect(ssh == place.remote)
        }

        @Test func `a client that ends its own direction first is answered`() async throws {
            let place = try await SSHSuite.makePlace()
            let command = "git-upload-pack '/\(place.key)/\(place.name).git'"
            let outcome = try await place.client.run(command, input: Data("0000".utf8))
            #expect(outcome.succeeded)
            #expect(outcome.output.contains("refs/heads/main"))
        }

        @Test func `a hundred clients list refs at the same time`() async throws {
            let place = try await SSHSuite.makePlace()
            let (git, remote) = (place.git, place.remote)
            _ = try await git.succeed("ls-remote", remote)
            let answers = try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<100 {
                    group.addTask {
                        try await git.run("ls-remote", remote).output.contains("refs/heads/main")
                    }
                }
                return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            #expect(answers == 100)
        }
    }
}
