import Foundation
import Mirroring
import NodeTestKit
import Portable
import Testing

/// A mirror becomes one by an administrator's decision, and each of its requests proves who sends it.
@Suite struct MirrorRegistrationTests {
    private static let root = "/rest/mirroring/latest"

    @Test func `a mirror waits, is declined, asks again, is accepted and removed`() async throws {
        let pair = try await MirrorPair.start(accept: false)
        let (primary, mirror) = (pair.primary, pair.mirrors[0])
        try await waitUntil("a log line that says why it waits") {
            mirror.log.contains("the upstream's administrators have to accept this mirror")
        }
        let status = try await mirror.mirrorStatus()
        #expect(status["id"]?.stringValue == pair.id)
        #expect(status["upstreamState"]?.stringValue == "PENDING")
        #expect(try await mirror.http.get("/").text.contains(pair.id))
        #expect(try await mirror.http.get("/status").status == 503)
        // Nobody but a system administrator sees or decides.
        try await primary.makeUser("somebody")
        let other = primary.anonymous.basic("somebody", "user-Passw0rd")
        for target in ["\(Self.root)/requests", "\(Self.root)/requests/1"] {
            #expect(try await other.get(target).status == 401)
        }
        #expect(try await other.post("\(Self.root)/requests/1/accept", [:]).status == 401)
        #expect(try await primary.http.post("\(Self.root)/requests/1/reject", [:]).status == 200)
        try await waitUntil("a log line that says that it was declined") {
            mirror.log.contains("the upstream's administrators have declined this mirror")
        }
        #expect(try await primary.http.get("\(Self.root)/requests/99").status == 409)
        let listed = try await primary.perigee("mirror", "list", "--home", primary.home)
        #expect(listed.output.contains(pair.id) && listed.output.contains("REJECTED"))
        let accepted = try await primary.perigee(
            "mirror", "accept", pair.id.lowercased(), "--all-projects", "--home", primary.home)
        #expect(accepted.status == 0, "\(accepted.errors)")
        try await mirror.restart()
        try await pair.waitForAll(on: mirror)
        let server = try await primary.http.get("\(Self.root)/mirrorServers/\(pair.id)").json()
        #expect(server["name"]?.stringValue == "Office" && server["enabled"]?.boolValue == true)
        #expect(server["lastSeenDate"]?.integerValue ?? 0 > 1_700_000_000_000)
        #expect(try await primary.http.delete("\(Self.root)/mirrorServers/\(pair.id)").status == 204)
        #expect(try await primary.http.get("\(Self.root)/mirrorServers/\(pair.id)").status == 404)
        try await waitUntil("a mirror that knows that it was removed") {
            let status = try await mirror.mirrorStatus()
            return status["upstreamState"]?.stringValue != "INSTALLED"
        }
    }

    @Test func `a request that is forged, replayed, changed or old is refused`() async throws {
        let pair = try await MirrorPair.start()
        let identity = FarmIdentity(secret: MirrorPair.secret)
        #expect(identity.id.rawValue == pair.id)
        let target = "\(Self.root)/mirrorServers/\(pair.id)/catalogue"
        func token(
            _ target: String = target, key: SigningKey? = nil, issuer: String? = nil, late: Int64 = 0
        ) throws -> [String: String] {
            let now = Int64(Date().timeIntervalSince1970 * 1000) - late
            let text = try RequestToken.sign(
                RequestDigest(method: "GET", target: target, body: []), issuer: issuer ?? pair.id,
                node: "n", key: key ?? identity.key, now: now)
            return ["Authorization": "JWT \(text)"]
        }
        let anonymous = pair.primary.anonymous
        let good = try token()
        #expect(try await anonymous.get(target, headers: good).status == 200)
        let again = try await anonymous.get(target, headers: good)
        #expect(again.status == 401 && again.text.contains("used before"))
        let forged = try token(key: SigningKey())
        #expect(try await anonymous.get(target, headers: forged).status == 401)
        let stranger = SigningKey()
        let strange = try token(key: stranger, issuer: MirrorID(publicKey: stranger.publicKey).rawValue)
        #expect(try await anonymous.get(target, headers: strange).status == 401)
        let moved = try token("\(target)?repository=1")
        #expect(try await anonymous.get(target, headers: moved).status == 401)
        let late = try await anonymous.get(target, headers: try token(late: 412_000))
        #expect(late.status == 401)
        #expect(late.text.contains("request time differs from this server by 412 s (limit 30 s)"))
        #expect(late.text.contains("JwtExpiredException"))
        // A signature is nobody's login elsewhere.
        let elsewhere = try token("/rest/api/latest/admin/cluster")
        #expect(
            try await anonymous.get("/rest/api/latest/admin/cluster", headers: elsewhere).status == 401)
    }
}
