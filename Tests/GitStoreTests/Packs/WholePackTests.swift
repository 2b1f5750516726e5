import Foundation
import GitStore
import NIOCore
import NodeTestKit
import Portable
import Testing

@Suite struct WholePackTests {
    private func request(_ wants: ObjectID...) -> WholePackRequest {
        var request = WholePackRequest()
        request.wants = wants
        return request
    }

    private func isServed(_ request: WholePackRequest, _ fixture: Fixture) async throws -> Bool {
        try await fixture.store.wholePack(request, in: fixture.path) != nil
    }

    @Test func aPackHoldsEverythingBehindWhatIsWanted() async throws {
        let fixture = try await Fixture()
        let work = try await fixture.pushCommits(5)
        try await fixture.git.succeed("tag", "-a", "-m", "one", "v1", in: work)
        try await fixture.git.succeed("push", "--quiet", fixture.path, "v1", in: work)
        var request = request(try await fixture.id("main"))
        request.includesTags = true
        request.offsetDeltas = true
        let (process, input) = try #require(try await fixture.store.wholePack(request, in: fixture.path))
        #expect(await process.write(input))
        process.finishInput()
        var pack = ByteBuffer()
        for try await portion in process.output { pack.writeImmutableBuffer(portion) }
        #expect(await process.waitForExit().isSuccess)
        // Real git takes the pack apart, and finds all of it.
        try await fixture.git.succeed("init", "--quiet", "--bare", "other.git")
        try await fixture.git.succeed(
            "index-pack", "--stdin", "--strict", in: "other.git", input: Data(pack.readableBytesView))
        let list = ["cat-file", "--batch-all-objects", "--batch-check"]
        #expect(
            try await fixture.git.succeed(arguments: list, in: "other.git")
                == fixture.git.succeed(arguments: list, in: fixture.path))
    }

    @Test func whatNoVisibleRefPointsAtIsLeftToGit() async throws {
        let fixture = try await Fixture()
        try await fixture.pushCommits(2)
        let tip = try await fixture.id("main")
        #expect(try await !isServed(request(tip, .zero), fixture))
        let older = try await fixture.id("main~1")
        #expect(try await !isServed(request(older), fixture))
        try await fixture.git.succeed("update-ref", "refs/perigee/kept", older.hex, in: fixture.path)
        #expect(try await !isServed(request(older), fixture))
    }

    @Test func aShallowHistoryIsLeftToGit() async throws {
        let fixture = try await Fixture()
        try await fixture.pushCommits(2)
        let tip = try await fixture.id("main")
        try Data("\(tip.hex)\n".utf8).write(to: URL(fileURLWithPath: fixture.path + "/shallow"))
        #expect(try await !isServed(request(tip), fixture))
    }

    @Test func whoWaitsForASilentProcessIsToldThatItIsSilent() async throws {
        let fixture = try await Fixture()
        try await fixture.pushCommits()
        let tip = try await fixture.id("main")
        let started = try #require(try await fixture.store.wholePack(request(tip), in: fixture.path))
        // It says nothing, since its input has not come.
        started.process.tellSilence(each: .milliseconds(10))
        var output = started.process.output.makeAsyncIterator()
        for _ in 0..<3 { #expect(try await output.next()?.readableBytes == 0) }
        #expect(await started.process.write(started.input))
        started.process.finishInput()
        var bytes = 0
        while let portion = try await output.next() { bytes += portion.readableBytes }
        #expect(bytes > 0)
        #expect(await started.process.waitForExit().isSuccess)
    }
}
