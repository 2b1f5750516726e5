import Foundation
import NodeTestKit
import Portable
import Testing

extension SSHSuite {
    @Suite struct Keys {
        @Test(
            arguments: [("ed25519", nil), ("ecdsa", 256), ("ecdsa", 521), ("rsa", 2048)] as [(String, Int?)])
        func `keys of each kind log in`(type: String, bits: Int?) async throws {
            let place = try await SSHSuite.makePlace()
            let client = try await SSHClient.make(for: place.node, type: type, bits: bits)
            try await client.register()
            #expect(try await client.git.succeed("ls-remote", place.remote).contains("refs/heads/main"))
        }

        @Test func `a registered key is shown in the original's shape`() async throws {
            let node = try #require(SSHSuite.current)
            let client = try await SSHClient.make(for: node)
            let answer = try await node.http.post(
                "/rest/ssh/1.0/keys", ["text": .string(client.publicKey), "expiryDays": 30])
            let key = try answer.json()
            #expect(answer.status == 201)
            let listed = try await ChildProcess.run(
                ["ssh-keygen", "-l", "-f", client.keyFile + ".pub"], environment: client.git.fullEnvironment)
            let fingerprint = try #require(key["fingerprint"]?.stringValue)
            #expect(listed.output.contains(fingerprint))
            #expect(key["label"]?.stringValue == "test@client")
            #expect(key["algorithmType"]?.stringValue == "ssh-ed25519")
            #expect(key["bitLength"]?.integerValue == 256)
            #expect(key["expiryDays"]?.integerValue == 30)
            #expect(key["createdDate"]?.integerValue != nil)
            #expect(client.publicKey.hasPrefix(key["text"]?.stringValue ?? "-"))
            let id = try #require(key["id"]?.integerValue)
            let one = try await node.http.get("/rest/ssh/1.0/keys/\(id)")
            #expect(try one.json() == key)
            let all = try await node.http.get("/rest/ssh/1.0/keys?limit=1000").json()
            #expect(all["values"]?.listValue?.contains(key) == true)
            #expect(
                try await node.http.send("DELETE", "/rest/ssh/1.0/keys/\(id)", body: Data()).status == 204)
            #expect(try await node.http.get("/rest/ssh/1.0/keys/\(id)").status == 404)
        }

        @Test func `a key that cannot be used is refused with the reason`() async throws {
            let node = try #require(SSHSuite.current)
            let short = try await SSHClient.make(for: node, type: "rsa", bits: 1024)
            let cases = [
                (short.publicKey, "RSA key of 1024 bits"), ("ssh-dss AAAAB3NzaC1kc3MAAAAA", "DSA"),
                ("-----BEGIN OPENSSH PRIVATE KEY-----\nabc", "private half"), ("hello", "not of the form"),
                ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA==", "broken"), ("ssh-ed25519 %%%%", "no base64"),
            ]
            for (text, reason) in cases {
                let answer = try await node.http.post("/rest/ssh/1.0/keys", ["text": .string(text)])
                #expect(answer.status == 400)
                #expect(answer.text.contains(reason), "\(answer.text)")
            }
        }

        @Test func `a key is registered once`() async throws {
            let node = try #require(SSHSuite.current)
            let client = try await SSHClient.make(for: node)
            try await client.register()
            let user = "u" + UUID().uuidString.prefix(8).lowercased()
            try await node.makeUser(user)
            let again = try await node.http.post(
                "/rest/ssh/1.0/keys?user=\(user)", ["text": .string(client.publicKey)])
            #expect(again.status == 409)
            #expect(again.text.contains("registered already"))
            try await node.makeRepository("DUP" + UUID().uuidString.prefix(6), "one")
            let access = try await node.http.post(
                "/rest/keys/1.0/projects/\(try await SSHSuite.makePlace().key)/ssh",
                ["key": ["text": .string(client.publicKey)], "permission": "PROJECT_READ"])
            #expect(access.status == 409)
        }

        @Test func `users see and change their own keys alone`() async throws {
            let node = try #require(SSHSuite.current)
            let client = try await SSHClient.make(for: node)
            let id = try await client.register()
            let user = "u" + UUID().uuidString.prefix(8).lowercased()
            try await node.makeUser(user)
            let other = node.anonymous.basic(user, "user-Passw0rd")
            #expect(try await other.get("/rest/ssh/1.0/keys/\(id)").status == 404)
            #expect(try await other.send("DELETE", "/rest/ssh/1.0/keys/\(id)", body: Data()).status == 404)
            #expect(try await other.get("/rest/ssh/1.0/keys?user=admin").status == 401)
            #expect(try await node.anonymous.get("/rest/ssh/1.0/keys").status == 401)
        }

        @Test func `the last use of a key is kept`() async throws {
            let place = try await SSHSuite.makePlace()
            let client = try await SSHClient.make(for: place.node)
            let id = try await client.register()
            _ = try await client.git.succeed("ls-remote", place.remote)
            try await waitUntil("the key's last use") {
                let key = try await place.node.http.get("/rest/ssh/1.0/keys/\(id)").json()
                return key["lastAuthenticated"]?.integerValue != nil
            }
        }

        @Test func `nobody else gets in`() async throws {
            let place = try await SSHSuite.makePlace()
            let stranger = try await SSHClient.make(for: place.node)
            let unknown = try await stranger.run("git-upload-pack '/x/y.git'")
            #expect(unknown.status == 255)
            #expect(unknown.errors.contains("Permission denied (publickey)"))
            let named = try await place.client.run("git-upload-pack '/x/y.git'", name: "root")
            #expect(named.status == 255)
            #expect(named.errors.contains("Permission denied (publickey)"))
        }

        @Test func `an access key opens its repository to read or to write, and no other`() async throws {
            let place = try await SSHSuite.makePlace()
            let other = try await SSHSuite.makePlace()
            let reader = try await SSHClient.make(for: place.node)
            let writer = try await SSHClient.make(for: place.node)
            let owner = "projects/\(place.key)/repos/\(place.name)"
            try await reader.giveAccess("REPO_READ", to: owner)
            let id = try await writer.giveAccess("REPO_WRITE", to: owner)
            for client in [reader, writer] {
                try await client.git.succeed("clone", "--quiet", place.remote, "work")
                try await client.git.commit(
                    in: "work", file: "\(client.publicKey.suffix(20).hash).txt", text: "x")
                let push = try await client.git.run("push", "origin", "HEAD:refs/heads/\(UUID())", in: "work")
                #expect(push.succeeded == (client.keyFile == writer.keyFile), "\(push.errors)")
                let elsewhere = try await client.git.run("ls-remote", other.remote)
                #expect(elsewhere.errors.contains("does not exist, or you may not read it"))
            }
            let refused = try await reader.git.run("push", "origin", "HEAD:refs/heads/no", in: "work")
            #expect(refused.errors.contains("but not push to it"))
            let shown = try await place.node.http.get("/rest/keys/1.0/\(owner)/ssh/\(id)").json()
            #expect(shown["permission"]?.stringValue == "REPO_WRITE")
            #expect(shown["key"]?["id"]?.integerValue == id)
            #expect(shown["repository"]?["slug"]?.stringValue == place.name)
        }

        @Test func `a project's access key opens all of its repositories`() async throws {
            let place = try await SSHSuite.makePlace()
            try await place.node.makeRepository(place.key, "second")
            let client = try await SSHClient.make(for: place.node)
            let id = try await client.giveAccess("PROJECT_READ", to: "projects/\(place.key)")
            let second = place.node.sshRemote(place.key, "second")
            #expect(try await client.git.run("ls-remote", second).succeeded)
            #expect(try await client.git.run("ls-remote", place.remote).succeeded)
            let keys = "/rest/keys/1.0/projects/\(place.key)/ssh"
            let changed = try await place.node.http.send(
                "PUT", "\(keys)/\(id)/permission/PROJECT_WRITE", body: Data())
            #expect(try changed.json()["permission"]?.stringValue == "PROJECT_WRITE")
            try await client.git.succeed("clone", "--quiet", place.remote, "work")
            try await client.git.commit(in: "work", file: "b.txt", text: "b")
            try await client.git.succeed("push", "--quiet", "origin", "HEAD:refs/heads/b", in: "work")
            #expect(try await place.node.http.send("DELETE", "\(keys)/\(id)", body: Data()).status == 204)
            #expect(!(try await client.git.run("ls-remote", second).succeeded))
            #expect(try await place.node.http.get(keys).json()["size"]?.integerValue == 0)
        }

        @Test func `a key that is taken away ends what was begun with it`() async throws {
            let place = try await SSHSuite.makePlace()
            let client = try await SSHClient.make(for: place.node)
            let id = try await client.register()
            // A conversation that waits for its client.
            let command = client.ssh() + ["git-upload-pack '/\(place.key)/app.git'"]
            let child = try await ChildProcess.start(
                ["sh", "-c", "sleep 600 | \"$@\"", "sh"] + command, environment: client.git.fullEnvironment)
            try await waitUntil("refs") { child.output.contains("refs/heads/main") }
            _ = try await place.node.http.send("DELETE", "/rest/ssh/1.0/keys/\(id)", body: Data())
            try await waitUntil("no git process", deadline: .seconds(30)) { place.gitProcesses.isEmpty }
            child.killGroup()
            #expect(try await client.git.run("ls-remote", place.remote).status != 0)
        }

        @Test func `a user that is switched off ends what it has begun`() async throws {
            let place = try await SSHSuite.makePlace()
            let node = place.node
            let user = "u" + UUID().uuidString.prefix(8).lowercased()
            try await node.makeUser(user)
            try await node.grant(user, "REPO_READ", project: place.key, repository: place.name)
            let client = try await SSHClient.make(for: node)
            try await client.register(for: user)
            let command = client.ssh() + ["git-upload-pack '/\(place.key)/app.git'"]
            let child = try await ChildProcess.start(
                ["sh", "-c", "sleep 600 | \"$@\"", "sh"] + command, environment: client.git.fullEnvironment)
            try await waitUntil("refs") { child.output.contains("refs/heads/main") }
            let gone = try await node.http.send(
                "DELETE", "/rest/api/1.0/admin/users?name=\(user)", body: Data())
            #expect(gone.status == 200)
            try await waitUntil("no git process", deadline: .seconds(60)) { place.gitProcesses.isEmpty }
            child.killGroup()
        }
    }
}
