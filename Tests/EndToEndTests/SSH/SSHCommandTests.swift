import Foundation
import NodeTestKit
import Testing

extension SSHSuite {
    @Suite struct Commands {
        @Test func `a shell is answered with a greeting that says how to clone`() async throws {
            let place = try await SSHSuite.makePlace()
            for options in [[], ["-tt"]] {
                let outcome = try await place.client.run(nil, options: options)
                let text = outcome.output + outcome.errors
                #expect(outcome.status == 1)
                #expect(text.contains("you are logged in as admin"), "\(text)")
                #expect(text.contains("git clone ssh://git@127.0.0.1:\(place.node.sshPort)/"))
            }
        }

        @Test(arguments: [
            "ls", "git-upload-pack", "git-upload-pack 'a' 'b'", "git-upload-pack '/x'; id",
            "git-upload-pack '/x' && id", "git-upload-pack $(id)", "git-upload-pack `id`",
            "git-shell -c 'git-upload-pack x'", "scp -t /", "git-upload-pack --foo=1 x", "'", "\\",
            "git-upload-pack \"$HOME\"", "git gc x",
        ])
        func `anything else is refused in a sentence`(command: String) async throws {
            let place = try await SSHSuite.makePlace()
            let outcome = try await place.client.run(command)
            #expect(outcome.status == 128)
            #expect(outcome.errors.contains("and nothing else"), "\(outcome.errors)")
            #expect(outcome.output.isEmpty)
        }

        @Test(arguments: [
            "/../../etc/passwd", "/a/b/c.git", "/", "a", "/~admin", "/x/..", "/x/../y", "/%53/app", "//x/y",
            "/x\u{7}/y", "--upload-pack=id/x",
        ])
        func `a path that names no repository is refused in a sentence`(path: String) async throws {
            let place = try await SSHSuite.makePlace()
            let outcome = try await place.client.run("git-upload-pack '\(path)'")
            #expect(outcome.status == 128)
            #expect(outcome.errors.contains("does not exist"), "\(outcome.errors)")
            #expect(outcome.output.isEmpty)
        }

        @Test func `files, tunnels and variables are refused`() async throws {
            let place = try await SSHSuite.makePlace()
            let sftp = try await place.client.run("sftp", options: ["-s"])
            #expect(sftp.status != 0)
            #expect(sftp.errors.contains("subsystem request failed"))
            let tunnel = try await place.client.run(nil, options: ["-W", "127.0.0.1:\(place.node.port)"])
            #expect(tunnel.status != 0)
            #expect(tunnel.output.isEmpty)
            let back = try await place.client.run(
                nil, options: ["-N", "-o", "ExitOnForwardFailure=yes", "-R", "0:127.0.0.1:1"])
            #expect(back.status == 255)
            let client = place.client
            var environment = client.git.fullEnvironment
            environment["GIT_PROTOCOL"] = "version=2"
            environment["GIT_TRACE"] = "1"
            let words = client.ssh("-o", "SendEnv=GIT_PROTOCOL", "-o", "SendEnv=GIT_TRACE")
            let asked = try await ChildProcess.run(
                words + ["git-upload-pack '/\(place.key)/app'"], environment: environment,
                input: Data("0000".utf8))
            #expect(asked.output.contains("version 2"))
            environment["GIT_PROTOCOL"] = "version=2;id"
            let broken = try await ChildProcess.run(
                words + ["git-upload-pack '/\(place.key)/app'"], environment: environment,
                input: Data("0000".utf8))
            #expect(!broken.output.contains("version 2"))
            #expect(broken.output.contains("refs/heads/main"))
        }
    }
}
