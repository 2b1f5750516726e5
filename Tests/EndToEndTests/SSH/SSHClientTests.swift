import Foundation
import NodeTestKit
import Portable
import Testing

/// Clients that are not OpenSSH's: each clones what OpenSSH pushed, and pushes what it clones.
extension SSHSuite {
    @Suite struct OtherClients {
        @Test func `dropbear's client clones and pushes`() async throws {
            let place = try await SSHSuite.makePlace()
            var client = place.client
            let file = client.git.directory.path("id_dropbear")
            let converted = try await ChildProcess.run(
                ["dropbearconvert", "openssh", "dropbear", client.keyFile, file],
                environment: client.git.fullEnvironment)
            try #require(converted.succeeded, "\(converted.errors)")
            client.git.environment["GIT_SSH_COMMAND"] = "dbclient -y -i \(file)"
            client.git.environment["GIT_SSH_VARIANT"] = "simple"
            try await Self.cloneAndPush(
                client.git, "git@127.0.0.1:\(place.key)/app.git", place,
                ssh: "dbclient -y -i \(file) -p \(place.node.sshPort)")
        }

        @Test func `PuTTY's client clones and pushes`() async throws {
            let place = try await SSHSuite.makePlace()
            var client = place.client
            let file = client.git.directory.path("id.ppk")
            let converted = try await ChildProcess.run(
                ["puttygen", client.keyFile, "-O", "private", "-o", file],
                environment: client.git.fullEnvironment)
            try #require(converted.succeeded, "\(converted.errors)")
            let keys = try await place.node.http.get("/rest/ssh/latest/settings").json()
            let host = keys["hostKeys"]?.listValue?.first?["fingerprint"]?.stringValue ?? ""
            client.git.environment["GIT_SSH_VARIANT"] = "plink"
            try await Self.cloneAndPush(
                client.git, place.remote, place, ssh: "plink -batch -i \(file) -hostkey \(host)")
        }

        @Test func `libgit2 clones and pushes`() async throws {
            let place = try await SSHSuite.makePlace()
            let client = place.client
            let script = """
                import pygit2, sys
                url, folder, key = sys.argv[1:]
                class Calls(pygit2.RemoteCallbacks):
                    def credentials(self, url, name, types):
                        return pygit2.Keypair("git", key + ".pub", key, "")
                    def certificate_check(self, certificate, valid, host):
                        return True
                    def push_update_reference(self, ref, message):
                        assert message is None, message
                repository = pygit2.clone_repository(url, folder, callbacks=Calls())
                who = pygit2.Signature("Ada", "ada@example.org")
                tree = repository.head.peel().tree.id
                repository.create_commit("refs/heads/libgit2", who, who, "x", tree, [repository.head.target])
                repository.remotes["origin"].push(["refs/heads/libgit2"], callbacks=Calls())
                """
            let outcome = try await python(
                script, place.remote, client.git.directory.path("copy"), client.keyFile, git: client.git)
            #expect(outcome.succeeded, "\(outcome.errors)")
            #expect(try await place.git.succeed("ls-remote", place.remote).contains("refs/heads/libgit2"))
        }

        @Test func `dulwich with paramiko clones and pushes`() async throws {
            let place = try await SSHSuite.makePlace()
            let script = """
                import sys, paramiko
                from dulwich import porcelain, client
                from dulwich.contrib.paramiko_vendor import ParamikoSSHVendor
                url, folder, key = sys.argv[1:]
                class Vendor(ParamikoSSHVendor):
                    def run_command(self, *words, **more):
                        more["key_filename"] = key
                        more.pop("ssh_command", None)
                        return super().run_command(*words, **more)
                client.get_ssh_vendor = Vendor
                repository = porcelain.clone(url, folder)
                open(folder + "/d.txt", "w").write("d")
                porcelain.add(repository, [folder + "/d.txt"])
                porcelain.commit(repository, b"d", author=b"A <a@b.c>", committer=b"A <a@b.c>")
                porcelain.push(repository, url, "HEAD:refs/heads/dulwich")
                """
            let outcome = try await python(
                script, place.remote, place.git.directory.path("copy"), place.client.keyFile, git: place.git)
            #expect(outcome.succeeded, "\(outcome.errors)")
            #expect(try await place.git.succeed("ls-remote", place.remote).contains("refs/heads/dulwich"))
        }

        private static func cloneAndPush(
            _ git: GitClient, _ remote: String, _ place: SSHPlace, ssh: String
        ) async throws {
            var git = git
            git.environment["GIT_SSH_COMMAND"] = ssh
            try await git.succeed("clone", "--quiet", remote, "copy")
            try await git.commit(in: "copy", file: "other.txt", text: "other\n")
            try await git.succeed("push", "--quiet", "origin", "HEAD:refs/heads/other", in: "copy")
            #expect(try await place.git.succeed("ls-remote", place.remote).contains("refs/heads/other"))
        }
    }
}

/// Runs a script of Python's.
func python(_ script: String, _ arguments: String..., git: GitClient) async throws -> ProcessOutcome {
    try await ChildProcess.run(
        ["/usr/bin/python3", "-c", script] + arguments, environment: git.fullEnvironment)
}
