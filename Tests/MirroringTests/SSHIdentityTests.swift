import Foundation
import GitStore
import NodeTestKit
import Portable
import Testing

@testable import Mirroring

/// The key by which a farm logs in at its upstream over SSH.
@Suite struct SSHIdentityTests {
    private static let secret = "a secret that only this test's farm knows"

    @Test func `OpenSSH reads the private key, and finds the public one in it`() async throws {
        let folder = try TemporaryDirectory("identity")
        let identity = SSHIdentity(farmSecret: Self.secret)
        let line = try SSHLineFiles(folder: folder.path("ssh")).write(
            identity, ["ssh-ed25519 AAAA"], base: "ssh://git@git.example.org:7999")
        #expect((line.host, line.port) == ("git.example.org", 7999))
        let facts = try FileManager.default.attributesOfItem(atPath: line.keyFile)
        #expect(facts[.posixPermissions] as? Int == 0o600)
        let read = try await ChildProcess.run(
            ["ssh-keygen", "-y", "-f", line.keyFile], environment: Executable.environment)
        #expect(read.succeeded, "\(read.errors)")
        #expect(read.output.hasPrefix(identity.publicText), "\(read.output)")
        #expect(try String(contentsOfFile: line.hostsFile, encoding: .utf8) == "upstream ssh-ed25519 AAAA\n")
    }

    @Test func `it is the farm's, and not the one that signs requests`() {
        let farm = FarmIdentity(secret: Self.secret)
        #expect(farm.sshPublicKey == FarmIdentity(secret: Self.secret).sshPublicKey)
        #expect(farm.sshPublicKey != FarmIdentity(secret: Self.secret + ".").sshPublicKey)
        let blob = Data(base64Encoded: String(farm.sshPublicKey.split(separator: " ")[1])) ?? Data()
        #expect(Array(blob.suffix(32)) != farm.key.publicKey)
    }

    @Test func `an upstream can name keys, and nothing else`() {
        let key = FarmIdentity(secret: Self.secret).sshPublicKey
        func facts(_ url: String, _ keys: [String]) -> UpstreamSSHFacts? {
            UpstreamSSHFacts(["baseUrl": .string(url), "hostKeys": .list(keys.map { .string($0) })])
        }
        #expect(facts("ssh://git@host:7999", ["\(key) comment\nupstream ssh-rsa AAAA"])?.hostKeys == [key])
        #expect(facts("ssh://git@host:7999", []) == nil)
        #expect(facts("ssh://git@host:7999", ["ssh-ed25519 AAAA"]) == nil)
        for url in ["http://host", "ssh://-oProxyCommand=x", "ssh://host\nx", "ssh://"] {
            #expect(facts(url, [key]) == nil, "\(url)")
        }
    }
}
