import Mirroring
import Testing

/// A token binds one request, for half a minute.
struct RequestTokenTests {
    private let key = SigningKey()
    private let digest = RequestDigest(
        method: "POST", target: "/perigee/rest/mirroring/1.0/requests?x=1", body: Array("{}".utf8))
    private let now: Int64 = 1_795_000_000_000

    private func token() throws -> RequestToken {
        try RequestToken(
            RequestToken.sign(digest, issuer: "B0F5-CS21-45C2-CCK3", node: "n1", key: key, now: now))
    }

    @Test func holdsForItsRequestAlone() throws {
        let token = try token()
        try token.check(digest, publicKey: key.publicKey, now: now)
        let others = [
            RequestDigest(method: "PUT", target: "/rest/mirroring/1.0/requests?x=1", body: Array("{}".utf8)),
            RequestDigest(method: "POST", target: "/rest/mirroring/1.0/requests?x=2", body: Array("{}".utf8)),
            RequestDigest(
                method: "POST", target: "/rest/mirroring/1.0/requests?x=1", body: Array("{ }".utf8)),
            RequestDigest(method: "POST", target: "/rest/mirroring/1.0/requests?x=1", body: nil),
        ]
        for other in others {
            #expect(throws: TokenError.otherRequest) {
                try token.check(other, publicKey: key.publicKey, now: now)
            }
        }
    }

    @Test func aProxysPathDoesNotMatter() {
        #expect(
            digest
                == RequestDigest(
                    method: "POST", target: "/rest/mirroring/1.0/requests?x=1", body: Array("{}".utf8)))
    }

    @Test func aStrangersSignatureIsRefused() throws {
        let token = try token()
        #expect(throws: TokenError.badSignature) {
            try token.check(digest, publicKey: SigningKey().publicKey, now: now)
        }
    }

    @Test(arguments: [-31_000, 61_000, 412_000, -412_000] as [Int64])
    func otherTimesAreNamed(difference: Int64) throws {
        let token = try token()
        #expect(throws: TokenError.clock(difference: -difference)) {
            try token.check(digest, publicKey: key.publicKey, now: now + difference)
        }
    }

    @Test(arguments: [-29_000, 0, 29_000, 59_000] as [Int64])
    func halfAMinuteIsTolerated(difference: Int64) throws {
        try token().check(digest, publicKey: key.publicKey, now: now + difference)
    }

    @Test(arguments: [
        "", "a.b", "a.b.c", "....", "e30.e30.e30", "bm9uZQ.e30.", String(repeating: "a", count: 5000),
    ])
    func whatIsNoTokenIsMalformed(text: String) {
        #expect(throws: TokenError.self) { try RequestToken(text) }
    }

    @Test func theIDFollowsFromTheSecret() {
        let (one, same) = (
            FarmIdentity(secret: "a secret of a farm, long"), FarmIdentity(secret: "a secret of a farm, long")
        )
        #expect(one.id == same.id)
        #expect(one.id != FarmIdentity(secret: "another secret of a farm").id)
        #expect(MirrorID(one.id.rawValue) == one.id)
        #expect(one.id.rawValue.split(separator: "-").map(\.count) == [4, 4, 4, 4])
    }
}
