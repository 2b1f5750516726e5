import Foundation
import NodeTestKit
import Portable
import Testing

/// Who may do what over git, and what the git client shows to those who may not.
extension GitHTTPSuite {
    @Suite struct Access {
        /// A private and a public repository of one project, and two users of whom one may read the private
        /// one.
        private struct World {
            let node: RunningNode
            let git: GitClient
            let key: String
            let reader = GitHTTPSuite.unique("reader")
            let stranger = GitHTTPSuite.unique("stranger")
            var lower: String { key.lowercased() }

            init() async throws {
                let place = try await GitHTTPSuite.makePushedPlace(repository: "private")
                (node, git, key) = (place.node, place.git, place.key)
                try await node.makeRepository(key, "open", isPublic: true)
                try await git.succeed("push", "--quiet", node.remote(key, "open"), "main", in: "work")
                for name in [reader, stranger] { try await node.makeUser(name) }
                try await node.grant(reader, "REPO_READ", project: key, repository: "private")
            }
        }

        @Test func `everybody reads a public repository, and only users push to it`() async throws {
            let world = try await World()
            let (node, git, key) = (world.node, world.git, world.key)
            let remote = node.remote(key, "open", user: nil)
            #expect(try await git.succeed("ls-remote", remote).contains("refs/heads/main"))
            try await git.succeed("clone", "--quiet", remote, "copy")
            let push = try await node.anonymous.get(
                "/scm/\(key)/open.git/info/refs?service=git-receive-pack")
            #expect(push.status == 401)
            #expect(push.header("WWW-Authenticate")?.hasPrefix("Basic realm=\"Perigee\"") == true)
            #expect(push.text.contains("Pushing to \(key)/open needs a user."))
        }

        @Test func `a private repository and one that does not exist look the same to anonymous callers`()
            async throws
        {
            let world = try await World()
            let (node, key) = (world.node, world.key)
            for name in ["private", "missing"] {
                for service in ["git-upload-pack", "git-receive-pack"] {
                    let answer = try await node.anonymous.get(
                        "/scm/\(key)/\(name).git/info/refs?service=\(service)")
                    #expect(answer.status == 401)
                    #expect(answer.text.contains("Repository \(key)/\(name) needs a user."))
                }
            }
        }

        @Test func `wrong credentials are refused with a sentence`() async throws {
            let world = try await World()
            let (node, git, key) = (world.node, world.git, world.key)
            let outcome = try await git.run(
                "ls-remote", node.remote(key, "private", user: world.reader, password: "wrong"))
            #expect(!outcome.succeeded)
            #expect(outcome.errors.contains("remote: The credentials are not valid."), "\(outcome.errors)")
            // Also where no credentials are needed: a script learns that its token has expired.
            for client in [node.anonymous.basic(world.reader, "wrong"), node.anonymous.bearer("wrong")] {
                let answer = try await client.get("/scm/\(key)/open.git/info/refs?service=git-upload-pack")
                #expect(answer.status == 401)
                #expect(answer.header("WWW-Authenticate")?.hasPrefix("Basic") == true)
                #expect(answer.header("X-AUSERNAME") == nil)
            }
        }

        @Test func `who may not read a repository does not learn that it exists`() async throws {
            let world = try await World()
            let (node, git, key) = (world.node, world.git, world.key)
            for name in ["private", "missing"] {
                let outcome = try await git.run(
                    "clone", node.remote(key, name, user: world.stranger, password: "user-Passw0rd"),
                    "nothing")
                #expect(!outcome.succeeded)
                #expect(
                    outcome.errors.contains(
                        "remote: Repository \(world.lower)/\(name) does not exist, or you may not read it."),
                    "\(outcome.errors)")
            }
        }

        @Test func `a reader fetches, and is told why a push is refused`() async throws {
            let world = try await World()
            let (node, git, key) = (world.node, world.git, world.key)
            let remote = node.remote(key, "private", user: world.reader, password: "user-Passw0rd")
            try await git.succeed("clone", "--quiet", remote, "copy")
            let push = try await git.run("push", remote, "main:mine", in: "work")
            #expect(!push.succeeded)
            #expect(
                push.errors.contains("remote: You may read \(world.lower)/private but not push to it."),
                "\(push.errors)")
            try await node.grant(world.reader, "REPO_WRITE", project: key, repository: "private")
            try await git.succeed("push", "--quiet", remote, "main:mine", in: "work")
        }

        @Test func `an archived repository is read but not pushed to`() async throws {
            let world = try await World()
            let (node, git, key) = (world.node, world.git, world.key)
            let archive = try await node.http.put(
                "/rest/api/latest/projects/\(key)/repos/private", ["archived": true])
            #expect(archive.status == 200 || archive.status == 201, "\(archive.text)")
            let remote = node.remote(key, "private")
            #expect(try await git.succeed("ls-remote", remote).contains("refs/heads/main"))
            let push = try await git.run("push", remote, "main:other", in: "work")
            #expect(!push.succeeded)
            #expect(push.errors.contains("archived"), "\(push.errors)")
        }

        @Test func `a token works as a password and as a bearer`() async throws {
            let world = try await World()
            let (node, git, key) = (world.node, world.git, world.key)
            let answer = try await node.http.put(
                "/rest/access-tokens/latest/users/admin",
                ["name": "ci", "permissions": ["REPO_READ"], "expiryDays": 1])
            #expect(answer.status == 200 || answer.status == 201, "\(answer.text)")
            let token = try #require(try answer.json()["token"]?.stringValue)
            let remote = node.remote(key, "private", user: "admin", password: token)
            #expect(try await git.succeed("ls-remote", remote).contains("refs/heads/main"))
            let bearer = try await git.succeed(
                "-c", "http.extraHeader=Authorization: Bearer \(token)", "ls-remote",
                node.remote(key, "private", user: nil))
            #expect(bearer.contains("refs/heads/main"))
            let push = try await git.run("push", remote, "main:other", in: "work")
            #expect(!push.succeeded)
            #expect(push.errors.contains("not push to it"), "\(push.errors)")
        }
    }
}
