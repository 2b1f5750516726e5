import ClusterServices
import ClusterTestKit
import GitStore
import Hosting
import Portable
import SharedDatabase
import Testing

/// A node is killed between any two steps of a push; the next start on the same home is looked at.
@Suite struct JournalAfterAKill {
    /// How far the push came before the kill.
    enum Step: String, CaseIterable, Sendable {
        case begun, intended, refsMoved, confirmed, delivered
    }

    @Test(arguments: Step.allCases)
    func aPushIsEitherUndoneAndSilentOrDoneAndAnnounced(_ step: Step) async throws {
        // Not started: what is confirmed stays undelivered, as if the kill came before the delivery.
        let push = try await PushScene(starts: step == .delivered)
        if step != .begun { await push.intend() }
        if step != .begun, step != .intended { try await push.moveRefs() }
        if step == .confirmed || step == .delivered { try await push.session.finish(report: push.report) }
        if step == .delivered { try await push.node.settle() }
        #expect(push.node.recorder.all.contains { $0.key == "repo:refs_changed" } == (step == .delivered))
        await push.node.kill()

        let next = try await push.home.node()
        let mustHave = step == .refsMoved || step == .confirmed
        if mustHave {
            let events = await next.recorder.events("repo:refs_changed", count: 1)
            #expect(events.first?.payload["changes"]?[0]?["toHash"] == .string(push.changes[0].to.hex))
            #expect(events.first?.id == push.session.id.rawValue)
        }
        await next.hosting.stop()
        #expect(next.recorder.all.count(where: { $0.key == "repo:refs_changed" }) == (mustHave ? 1 : 0))
        let states = try await push.rows(next).map(\.state)
        #expect(states == (step == .begun || step == .intended ? [] : [.delivered]))
        await next.kill()

        let third = try await push.home.node()
        await third.hosting.stop()
        #expect(!third.recorder.all.contains { $0.key == "repo:refs_changed" })
    }

    @Test func ofAPushThatGotHalfWayTheMovedRefsAreAnnounced() async throws {
        let push = try await PushScene(starts: false, branches: ["b", "a", "c"])
        await push.intend()
        try await push.moveRefs(1)
        await push.node.kill()
        let next = try await push.home.node()
        let events = await next.recorder.events("repo:refs_changed", count: 1)
        #expect(events.first?.payload["changes"]?.listValue?.map { $0["refId"] } == ["refs/heads/b"])
    }

    @Test(arguments: TestEngine.allCases)
    func aPushWhoseRefMovedOnBeforeTheRestartIsStillAnnounced(engine: TestEngine) async throws {
        let home = try TestHome(engine)
        let node = try await home.node(starts: false)
        let repository = try await node.repository("tools", in: try await node.project("ONE"))
        let first = try await node.commit("first", in: repository)
        let second = try await node.commit("second", in: repository, parents: [first])
        let steps = [(ObjectID.zero, first), (first, second)]
        for (from, to) in steps {
            let change = RefChange(ref: try .branch("main"), from: from, to: to)
            let session = node.hosting.pushes.begin(
                repository: repository, principal: .localOperator, transport: "http")
            #expect(await session.preReceive(changes: [change], quarantine: nil, options: []) == .accept)
            try await node.moveRefs([change], in: repository)
        }
        await node.kill()
        let next = try await home.node()
        let events = await next.recorder.events("repo:refs_changed", count: 2)
        #expect(events.map { $0.payload["changes"]?[0]?["toHash"]?.stringValue } == [first.hex, second.hex])
    }

    @Test(arguments: TestEngine.allCases)
    func manyUndeliveredPushesComeInOrderAfterTheRestart(engine: TestEngine) async throws {
        let home = try TestHome(engine)
        let node = try await home.node(starts: false)
        let repository = try await node.repository("tools", in: try await node.project("ONE"))
        let commit = try await node.commit("first", in: repository)
        let names = (0..<40).map { "b\($0)" }
        for name in names {
            try await node.push([RefChange(ref: try .branch(name), from: .zero, to: commit)], to: repository)
        }
        await node.kill()
        let next = try await home.node()
        let events = await next.recorder.events("repo:refs_changed", count: 40)
        #expect(events.compactMap { $0.payload["changes"]?[0]?["ref"]?["displayId"]?.stringValue } == names)
    }

    @Test func anotherNodesIntendedRowsAreNotTouched() async throws {
        let push = try await PushScene(node: "other", starts: false)
        await push.intend()
        await push.node.kill()
        let next = try await push.home.node(id: "mine")
        await next.hosting.stop()
        #expect(try await push.rows(next).map(\.state) == [.intended])
    }

    @Test(arguments: [true, false])
    func anAbandonedPushIsSettledByTheRefsOnDisk(_ moved: Bool) async throws {
        let push = try await PushScene()
        await push.intend()
        if moved { try await push.moveRefs() }
        await push.session.abandon()
        try await push.node.settle()
        #expect(push.node.recorder.all.contains { $0.key == "repo:refs_changed" } == moved)
        #expect(try await push.rows().map(\.state) == (moved ? [.delivered] : []))
    }

    @Test func aPushWithoutAReportIsSettledByTheRefsOnDisk() async throws {
        let push = try await PushScene(branches: ["a", "b"])
        await push.intend()
        try await push.moveRefs(1)
        try await push.session.finish(report: nil)
        let events = await push.node.recorder.events("repo:refs_changed", count: 1)
        #expect(events.first?.payload["changes"]?.listValue?.count == 1)
    }

    @Test func aPushOfADeletedRepositoryIsDroppedQuietly() async throws {
        let push = try await PushScene(starts: false, branches: ["x"])
        try await push.node.seed(push.repository)
        await push.intend()
        try await push.node.hosting.repositories.delete(push.repository, by: .localOperator)
        await push.node.kill()
        let next = try await push.home.node()
        try await next.settle()
        #expect(next.recorder.all.map(\.key) == ["project:created", "repo:created", "repo:deleted"])
        #expect(try await push.rows(next).map(\.state) == [.delivered])
    }

    @Test func withoutTheDatabaseAPushIsRefusedBeforeAnythingMoves() async throws {
        let push = try await PushScene()
        await push.node.database.close()
        let verdict = await push.session.preReceive(changes: push.changes, quarantine: nil, options: [])
        #expect(verdict != .accept && !push.session.isCommitting)
    }

    @Test func aPushThatCannotBeConfirmedIsNotAcknowledgedAndAnnouncedAtTheNextStart() async throws {
        let push = try await PushScene()
        await push.intend()
        try await push.moveRefs()
        await push.node.database.close()
        await #expect(throws: HostingError.self) { try await push.session.finish(report: push.report) }
        let next = try await push.home.node()
        _ = await next.recorder.events("repo:refs_changed", count: 1)
    }
}
