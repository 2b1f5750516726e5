import ClusterServices
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
        let home = try TestHome()
        // Not started: what is confirmed stays undelivered, as if the kill came before the delivery.
        let node = try await home.node(starts: step == .delivered)
        let repository = try await node.repository("tools", in: try await node.project("ONE"))
        let change = RefChange(
            ref: try .branch("main"), from: .zero, to: try node.commit("first", in: repository))
        let session = node.hosting.pushes.begin(
            repository: repository, principal: .localOperator, transport: "http")
        if step != .begun {
            #expect(await session.preReceive(changes: [change], quarantine: nil, options: []) == .accept)
        }
        if step != .begun, step != .intended { try node.moveRefs([change], in: repository) }
        if step == .confirmed || step == .delivered {
            try await session.finish(report: PushReport(lines: [.init(ref: change.ref.full, outcome: .ok)]))
        }
        if step == .delivered { await node.hosting.stop() }
        #expect(node.recorder.all.contains { $0.key == "repo:refs_changed" } == (step == .delivered))
        await node.kill()

        let next = try await home.node()
        let mustHave = step == .refsMoved || step == .confirmed
        if mustHave {
            let events = await next.recorder.events("repo:refs_changed", count: 1)
            #expect(events.first?.payload["changes"]?[0]?["toHash"] == .string(change.to.hex))
            #expect(events.first?.id == session.id.rawValue)
        }
        await next.hosting.stop()
        #expect(next.recorder.all.count(where: { $0.key == "repo:refs_changed" }) == (mustHave ? 1 : 0))
        let rows = try await next.hosting.journal.recent(in: repository.id, limit: 10)
        #expect(rows.map(\.state) == (step == .begun || step == .intended ? [] : [.delivered]))
        await next.kill()

        let third = try await home.node()
        await third.hosting.stop()
        #expect(!third.recorder.all.contains { $0.key == "repo:refs_changed" })
    }

    @Test func ofAPushThatGotHalfWayTheMovedRefsAreAnnounced() async throws {
        let home = try TestHome()
        let node = try await home.node(starts: false)
        let repository = try await node.repository("tools", in: try await node.project("ONE"))
        let commit = try node.commit("first", in: repository)
        let changes = try ["a", "b", "c"].map { RefChange(ref: try .branch($0), from: .zero, to: commit) }
        let session = node.hosting.pushes.begin(
            repository: repository, principal: .localOperator, transport: "http")
        #expect(await session.preReceive(changes: changes, quarantine: nil, options: []) == .accept)
        try node.moveRefs([changes[1]], in: repository)
        await node.kill()
        let next = try await home.node()
        let events = await next.recorder.events("repo:refs_changed", count: 1)
        #expect(events.first?.payload["changes"]?.listValue?.map { $0["refId"] } == ["refs/heads/b"])
    }

    @Test func aPushWhoseRefMovedOnBeforeTheRestartIsStillAnnounced() async throws {
        let home = try TestHome()
        let node = try await home.node(starts: false)
        let repository = try await node.repository("tools", in: try await node.project("ONE"))
        let first = try node.commit("first", in: repository)
        let second = try node.commit("second", in: repository, parents: [first])
        let steps = [(ObjectID.zero, first), (first, second)]
        for (from, to) in steps {
            let change = RefChange(ref: try .branch("main"), from: from, to: to)
            let session = node.hosting.pushes.begin(
                repository: repository, principal: .localOperator, transport: "http")
            #expect(await session.preReceive(changes: [change], quarantine: nil, options: []) == .accept)
            try node.moveRefs([change], in: repository)
        }
        await node.kill()
        let next = try await home.node()
        let events = await next.recorder.events("repo:refs_changed", count: 2)
        #expect(events.map { $0.payload["changes"]?[0]?["toHash"]?.stringValue } == [first.hex, second.hex])
    }

    @Test func manyUndeliveredPushesComeInOrderAfterTheRestart() async throws {
        let home = try TestHome()
        let node = try await home.node(starts: false)
        let repository = try await node.repository("tools", in: try await node.project("ONE"))
        let commit = try node.commit("first", in: repository)
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
        let home = try TestHome()
        let node = try await home.node(id: "other", starts: false)
        let repository = try await node.repository("tools", in: try await node.project("ONE"))
        let change = RefChange(
            ref: try .branch("main"), from: .zero, to: try node.commit("first", in: repository))
        let session = node.hosting.pushes.begin(
            repository: repository, principal: .localOperator, transport: "http")
        #expect(await session.preReceive(changes: [change], quarantine: nil, options: []) == .accept)
        await node.kill()
        let next = try await home.node(id: "mine")
        await next.hosting.stop()
        let rows = try await next.hosting.journal.recent(in: repository.id, limit: 10)
        #expect(rows.map(\.state) == [.intended])
    }

    @Test(arguments: [true, false])
    func anAbandonedPushIsSettledByTheRefsOnDisk(_ moved: Bool) async throws {
        let home = try TestHome()
        let node = try await home.node()
        let repository = try await node.repository("tools", in: try await node.project("ONE"))
        let change = RefChange(
            ref: try .branch("main"), from: .zero, to: try node.commit("first", in: repository))
        let session = node.hosting.pushes.begin(
            repository: repository, principal: .localOperator, transport: "http")
        #expect(await session.preReceive(changes: [change], quarantine: nil, options: []) == .accept)
        if moved { try node.moveRefs([change], in: repository) }
        await session.abandon()
        await node.hosting.stop()
        #expect(node.recorder.all.contains { $0.key == "repo:refs_changed" } == moved)
        let rows = try await node.hosting.journal.recent(in: repository.id, limit: 10)
        #expect(rows.map(\.state) == (moved ? [.delivered] : []))
    }

    @Test func aPushWithoutAReportIsSettledByTheRefsOnDisk() async throws {
        let home = try TestHome()
        let node = try await home.node()
        let repository = try await node.repository("tools", in: try await node.project("ONE"))
        let commit = try node.commit("first", in: repository)
        let changes = try ["a", "b"].map { RefChange(ref: try .branch($0), from: .zero, to: commit) }
        let session = node.hosting.pushes.begin(
            repository: repository, principal: .localOperator, transport: "http")
        #expect(await session.preReceive(changes: changes, quarantine: nil, options: []) == .accept)
        try node.moveRefs([changes[0]], in: repository)
        try await session.finish(report: nil)
        let events = await node.recorder.events("repo:refs_changed", count: 1)
        #expect(events.first?.payload["changes"]?.listValue?.count == 1)
    }

    @Test func aPushOfADeletedRepositoryIsDroppedQuietly() async throws {
        let home = try TestHome()
        let node = try await home.node(starts: false)
        let repository = try await node.repository("tools", in: try await node.project("ONE"))
        try await node.seed(repository)
        let change = RefChange(
            ref: try .branch("x"), from: .zero, to: try node.commit("x", in: repository))
        let session = node.hosting.pushes.begin(
            repository: repository, principal: .localOperator, transport: "http")
        #expect(await session.preReceive(changes: [change], quarantine: nil, options: []) == .accept)
        try await node.hosting.repositories.delete(repository, by: .localOperator)
        await node.kill()
        let next = try await home.node()
        await next.hosting.stop()
        #expect(next.recorder.all.isEmpty)
        let rows = try await next.hosting.journal.recent(in: repository.id, limit: 10)
        #expect(rows.map(\.state) == [.delivered])
    }

    @Test func withoutTheDatabaseAPushIsRefusedBeforeAnythingMoves() async throws {
        let home = try TestHome()
        let node = try await home.node()
        let repository = try await node.repository("tools", in: try await node.project("ONE"))
        let change = RefChange(
            ref: try .branch("main"), from: .zero, to: try node.commit("first", in: repository))
        let session = node.hosting.pushes.begin(
            repository: repository, principal: .localOperator, transport: "http")
        await node.database.close()
        guard case .refuse = await session.preReceive(changes: [change], quarantine: nil, options: []) else {
            Issue.record("accepted")
            return
        }
        #expect(!session.isCommitting)
    }

    @Test func aPushThatCannotBeConfirmedIsNotAcknowledgedAndAnnouncedAtTheNextStart() async throws {
        let home = try TestHome()
        let node = try await home.node()
        let repository = try await node.repository("tools", in: try await node.project("ONE"))
        let change = RefChange(
            ref: try .branch("main"), from: .zero, to: try node.commit("first", in: repository))
        let session = node.hosting.pushes.begin(
            repository: repository, principal: .localOperator, transport: "http")
        #expect(await session.preReceive(changes: [change], quarantine: nil, options: []) == .accept)
        try node.moveRefs([change], in: repository)
        await node.database.close()
        await #expect(throws: HostingError.self) {
            try await session.finish(report: PushReport(lines: [.init(ref: change.ref.full, outcome: .ok)]))
        }
        let next = try await home.node()
        _ = await next.recorder.events("repo:refs_changed", count: 1)
    }
}
