import Testing

@testable import Mirroring

/// What lets a mirror act for the holder of a key, for a minute.
struct DelegationTests {
    private let key = SigningKey()
    private let mirror = MirrorID(publicKey: SigningKey().publicKey)
    private let now: Int64 = 1_795_000_000_000

    @Test func holdsForAMinute() throws {
        let made = Delegation(key: 7, user: 3, mirror: mirror, now: now)
        let text = try made.sign(key)
        #expect(Delegation(text, publicKey: key.publicKey, now: now) == made)
        #expect(Delegation(text, publicKey: key.publicKey, now: now + 59_999) == made)
        #expect(Delegation(text, publicKey: key.publicKey, now: now + 60_000) == nil)
    }

    @Test func nobodyElseCanMakeOrChangeOne() throws {
        let text = try Delegation(key: 7, user: 3, mirror: mirror, now: now).sign(SigningKey())
        #expect(Delegation(text, publicKey: key.publicKey, now: now) == nil)
        let parts = try Delegation(key: 7, user: 3, mirror: mirror, now: now).sign(key).split(separator: ".")
        let other = try Delegation(key: 8, user: 3, mirror: mirror, now: now).sign(key).split(separator: ".")
        let mixed = "\(parts[0]).\(other[1]).\(parts[2])"
        #expect(Delegation(mixed, publicKey: key.publicKey, now: now) == nil)
        for text in ["", "a.b.c", "..", String(repeating: "x", count: 5000)] {
            #expect(Delegation(text, publicKey: key.publicKey, now: now) == nil)
        }
    }

    @Test func aSignedRequestIsNoDelegation() throws {
        let digest = RequestDigest(method: "POST", target: "/scm/A/b.git/git-receive-pack", body: nil)
        let token = try RequestToken.sign(
            digest, issuer: mirror.rawValue, node: "n1", key: key, now: now)
        #expect(Delegation(token, publicKey: key.publicKey, now: now) == nil)
    }

    @Test func aProxysPathBeforeScmDoesNotMatter() {
        #expect(
            RequestDigest(method: "GET", target: "/git/scm/A/b.git/info/refs?service=x", body: nil)
                == RequestDigest(method: "GET", target: "/scm/A/b.git/info/refs?service=x", body: nil))
    }
}
