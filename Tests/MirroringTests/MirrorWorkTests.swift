import GitStore
import Hosting
import NIOCore
import Portable
import Testing

@testable import Mirroring

/// Several changes of a repository become one, and nothing of them is lost.
@Suite struct MirrorWorkTests {
    private static func refs(_ from: Character, _ to: Character) throws -> MirrorWork.Kind {
        func id(_ digit: Character) throws -> ObjectID {
            try #require(ObjectID(String(repeating: digit, count: 40)))
        }
        return .refs([RefChange(ref: try .branch("main"), from: try id(from), to: try id(to))])
    }

    @Test func `metadata along with refs keeps both`() throws {
        let (first, second) = (try Self.refs("1", "2"), try Self.refs("2", "3"))
        #expect(MirrorWork.Kind.merged([first, second]) == (try Self.refs("1", "3")))
        #expect(MirrorWork.Kind.merged([.metadata, .metadata]) == .metadata)
        #expect(MirrorWork.Kind.merged([first, .metadata]) == .everything)
        #expect(MirrorWork.Kind.merged([.metadata, .snapshot]) == .everything)
        #expect(MirrorWork.Kind.merged([.everything, second]) == .everything)
        #expect(MirrorWork.Kind.merged([first, .snapshot]) == .snapshot)
    }

    @Test func `every kind is read as it was written`() throws {
        for kind in [try Self.refs("1", "2"), .snapshot, .metadata, .everything] {
            let work = MirrorWork(repository: 3, generation: 7, kind: kind, phase: .prepare, pulls: "d")
            #expect(MirrorWork(work.portable) == work)
        }
    }

    @Test func `a pack that could not be made is told from one`() throws {
        let failure = PackFailure(reason: String(repeating: "x", count: 5_000))
        #expect(PackFailure(failure.pack)?.reason.utf8.count == 1_000)
        #expect(PackFailure(ByteBuffer(string: "PACK....")) == nil)
        #expect(PackFailure(ByteBuffer(string: "")) == nil)
    }

    @Test func `whose fault it is that a fetch has failed`() {
        func git(_ text: String) -> GitStoreError {
            .processFailed(command: "index-pack", status: .exited(128), standardError: text)
        }
        let upstreams: [any Error] = [
            PackFailure(reason: "x"), PeerError.notUnderstood(url: "u", reason: "r"),
            PeerError.refused(status: 404, message: "m", code: nil),
            PeerError.refused(status: 500, message: "m", code: nil),
            git("fatal: fsck error in packed object"),
        ]
        for error in upstreams { #expect(MirrorFollower.isUpstreams(error), "\(error)") }
        let own: [any Error] = [
            PeerError.unreachable(url: "u", reason: "r"), PeerError.timeout(url: "u"),
            PeerError.refused(status: 503, message: "m", code: nil),
            PeerError.refused(status: 401, message: "m", code: "clock"), HostingError.diskFull,
            git("fatal: write error: No space left on device"), GitStoreError.stopped,
        ]
        for error in own { #expect(!MirrorFollower.isUpstreams(error), "\(error)") }
    }

    @Test func `a comparison knows about which repositories the upstream was asked meanwhile`() {
        let backlog = SyncBacklog()
        backlog.noteAsked(about: 1)
        let mark = backlog.beginComparison()
        #expect(!backlog.isAskedAbout(1, since: mark))
        backlog.noteAsked(about: 2)
        #expect(backlog.isAskedAbout(2, since: mark) && !backlog.isAskedAbout(1, since: mark))
        #expect(!backlog.isAskedAbout(2, since: backlog.beginComparison()))
    }
}
