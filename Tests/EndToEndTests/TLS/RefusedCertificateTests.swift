import Foundation
import NodeTestKit
import Testing

/// Files that cannot be used for TLS: the node does not start, and names the key and the file.
@Suite struct RefusedCertificateTests {
    /// What to do to good files in the folder `$1`, and what the node then says.
    struct Case: Sendable, CustomTestStringConvertible {
        var script: String
        var key = "server.ssl.certificate-private-key"
        var file = "key.pem"
        var says: String
        var testDescription: String { "\(file): \(says)" }
    }

    private static let chain = "server.ssl.certificate"

    static let cases = [
        Case(script: "rm chain.pem", key: chain, file: "chain.pem", says: "No such file or directory"),
        Case(script: "rm key.pem", says: "No such file or directory"),
        Case(
            script: "rm chain.pem; mkdir chain.pem", key: chain, file: "chain.pem", says: "Is a directory"),
        Case(
            script: ": > chain.pem", key: chain, file: "chain.pem", says: "holds no certificate in PEM form"),
        Case(script: ": > key.pem", says: "holds no private key in PEM form"),
        Case(
            script: "openssl x509 -in server.pem -outform DER -out chain.pem", key: chain, file: "chain.pem",
            says: "holds no certificate in PEM form"),
        Case(
            script: "mv key.pem old; openssl pkey -in old -outform DER -out key.pem",
            says: "holds no private key in PEM form"),
        Case(
            script: "cp key.pem chain.pem", key: chain, file: "chain.pem",
            says: "holds a private key and no certificate"),
        Case(script: "cp server.pem key.pem", says: "holds a certificate and no private key"),
        Case(
            script: "sed -i 2s/^..../AAAA/ chain.pem", key: chain, file: "chain.pem",
            says: "holds a certificate that cannot be read"),
        Case(script: "sed -i 2s/^..../AAAA/ key.pem", says: "holds a key that cannot be read"),
        Case(
            script: "mv key.pem old; openssl pkey -in old -aes256 -passout pass:secret -out key.pem",
            says: "holds an encrypted key"),
        Case(
            script: "openssl ecparam -genkey -noout -name prime256v1 -out key.pem",
            says: "is not the key of the certificate in server.ssl.certificate="),
        Case(
            script: "openssl genrsa -out key.pem 2048",
            says: "is not the key of the certificate in server.ssl.certificate="),
        Case(script: "head -c 5000000 /dev/zero > key.pem", says: "is larger than 4 MiB"),
    ]

    @Test(arguments: cases)
    func `a file that cannot be used is named with its key`(_ wrong: Case) async throws {
        let directory = try TemporaryDirectory("tls")
        let folder = try directory.folder("tls")
        let certificate = try await TestCertificate.make(in: folder)
        try await TestCertificate.sh("set -e; cd \"$1\"; \(wrong.script)", [folder])
        try await expectRefusal(certificate, directory, "\(wrong.key)=\(folder)/\(wrong.file): \(wrong.says)")
    }

    @Test(.enabled(if: geteuid() != 0, "root reads every file"))
    func `a key that the node's user may not read is named`() async throws {
        let directory = try TemporaryDirectory("tls")
        let certificate = try await TestCertificate.make(in: directory.folder("tls"))
        chmod(certificate.key, 0)
        let text = "server.ssl.certificate-private-key=\(certificate.key): Permission denied"
        try await expectRefusal(certificate, directory, text)
    }

    private func expectRefusal(
        _ certificate: TestCertificate, _ directory: TemporaryDirectory, _ text: String
    ) async throws {
        let node = try RunningNode.prepare(properties: certificate.properties, directory: directory)
        let outcome = try await node.launch().waitForExit()
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("perigee: \(text)"), "\(outcome.errors)")
        #expect(outcome.errors.contains(" Name "), "\(outcome.errors)")
        #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
        let manager = FileManager.default
        #expect(!manager.fileExists(atPath: "\(node.home)/run/node.json"))
        #expect(!manager.fileExists(atPath: "\(node.home)/shared/data/perigee.sqlite"))
    }
}
