import Foundation
import NodeTestKit
import Portable
import Testing

/// A mirror of an upstream whose certificate comes from an authority of its own.
@Suite struct MirrorTLSTests {
    @Test func `a mirror trusts the authority that it is given, and names one that it does not trust`()
        async throws
    {
        let folder = try TemporaryDirectory("tls")
        let certificate = try await TestCertificate.make(in: folder.folder("right"))
        let other = try await TestCertificate.make(in: folder.folder("wrong"))
        let primary = try await RunningNode.start(properties: certificate.properties)
        for authority in [other.authority, nil] {
            let wrong = try await Self.mirror(of: primary, "wrong", authority)
            try await waitUntil("the certificate as the reason", detail: { wrong.log }) {
                let text = try await wrong.mirrorStatus()["lastError"]?.stringValue ?? ""
                return text.contains("\(primary.url)/rest/mirroring/1.0/requests cannot be trusted")
                    && text.contains("CERTIFICATE_VERIFY_FAILED")
            }
            #expect(wrong.log.contains("code=tls"), "\(wrong.log)")
            try await wrong.kill()
        }
        let right = try await Self.mirror(of: primary, "right", certificate.authority)
        let id = try await right.mirrorStatus()["id"]?.stringValue ?? ""
        try await waitUntil("a mirror that is accepted", detail: { right.log }) {
            try await primary.perigee(
                "mirror", "accept", id, "--all-projects", "--home", primary.home
            ).succeeded
        }
        try await waitUntil("a mirror that has everything", detail: { right.log }) {
            try await right.anonymous.get("/status").status == 200
        }
    }

    private static func mirror(
        of primary: RunningNode, _ name: String, _ authority: String?
    ) async throws -> RunningNode {
        let key = "plugin.mirroring.upstream.certificate-authorities"
        return try await MirrorPair.startMirror(
            of: primary.url, name: name, properties: authority.map { [key: $0] } ?? [:])
    }
}
