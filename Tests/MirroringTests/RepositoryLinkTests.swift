import Portable
import Testing

@testable import Mirroring

@Suite struct RepositoryLinkTests {
    @Test func `a link holds for five minutes, for one repository and mirror, by one upstream`() throws {
        let upstream = UpstreamIdentity(id: "u", key: SigningKey())
        let mirror = MirrorID(publicKey: SigningKey().publicKey)
        let now: Int64 = 1_800_000_000_000
        let text = try RepositoryLink(repository: 7, mirror: mirror, user: "me", now: now).sign(upstream)
        let key = upstream.key.publicKey
        let read = try #require(RepositoryLink(text, publicKey: key, now: now))
        #expect(read.repository == 7 && read.mirror == mirror && read.user == "me")
        #expect(RepositoryLink(text, publicKey: key, now: now + 329_999) != nil)
        #expect(RepositoryLink(text, publicKey: key, now: now + 330_000) == nil)
        #expect(RepositoryLink(text, publicKey: SigningKey().publicKey, now: now) == nil)
        #expect(RepositoryLink(text + "A", publicKey: key, now: now) == nil)
        // What the same key has signed for something else is no link.
        let other = try Delegation(key: 7, user: 1, mirror: mirror, now: now).sign(upstream.key)
        #expect(RepositoryLink(other, publicKey: key, now: now) == nil)
        #expect(Delegation(text, publicKey: key, now: now) == nil)
    }
}
