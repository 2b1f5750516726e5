import ClusterServices
import GitStore
import Hosting
import Portable
import SharedDatabase
import Synchronization
import Testing

/// A guard whose verdict the test chooses, and which remembers what it was asked.
final class ChosenGuard: PushGuard {
    private let state: Mutex<(verdict: PushVerdict, asked: [ProposedPush])>

    init(_ verdict: PushVerdict) { state = Mutex((verdict, [])) }

    var asked: [ProposedPush] { state.withLock { $0.asked } }

    func judge(_ push: ProposedPush) async -> PushVerdict {
        state.withLock { state in
            state.asked.append(push)
            return state.verdict
        }
    }
}

/// A guard that lets every push through once the test opens it.
final class GateGuard: PushGuard {
    private let gate = AsyncStream<Void>.makeStream()
    private let arrival = AsyncStream<Void>.makeStream()

    func judge(_ push: ProposedPush) async -> PushVerdict {
        arrival.continuation.yield()
        for await _ in gate.stream { break }
        return .accept
    }

    /// Waits until a push is judged.
    func waitForPush() async { for await _ in arrival.stream { break } }

    func open() { gate.continuation.yield() }
}

@Suite struct PushesByGitClients {
    private let home: TestHome
    private let node: TestNode
    private let repository: Repository
    private let main: RefName

    init() async throws {
        home = try TestHome()
        node = try await home.node()
        repository = try await node.repository("tools", in: try await node.project("ONE"))
        main = try .branch("main")
    }

    @Test func anAcceptedPushIsConfirmedAndGivesOneEventInTheWebhooksShape() async throws {
        let ann = try await node.user("ann")
        try await node.hosting.permissions.grant(
            .repoWrite, toUsers: ["ann"], in: .repository(repository.id), by: .localOperator)
        let commit = try await node.commit("first", in: repository)
        let change = RefChange(ref: main, from: .zero, to: commit)
        #expect(try await node.push([change], to: repository, by: Principal(user: ann)) == .accept)
        let events = await node.recorder.events("repo:refs_changed", count: 1)
        try await node.settle()
        #expect(node.recorder.all.count(where: { $0.key == "repo:refs_changed" }) == 1)
        let event = try #require(events.first)
        #expect(event.repository == repository.id)
        #expect(event.payload["eventKey"] == "repo:refs_changed")
        #expect(event.payload["actor"]?["name"] == "ann" && event.payload["actor"]?["type"] == "NORMAL")
        #expect(event.payload["repository"]?["project"]?["key"] == "ONE")
        #expect(
            event.payload["changes"] == [
                [
                    "ref": ["id": "refs/heads/main", "displayId": "main", "type": "BRANCH"],
                    "refId": "refs/heads/main", "fromHash": .string(ObjectID.zero.hex),
                    "toHash": .string(commit.hex), "type": "ADD",
                ]
            ])
        let date = try #require(event.payload["date"]?.stringValue)
        #expect(date.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0000/) != nil)
        let rows = try await node.hosting.journal.recent(in: repository.id, limit: 10)
        #expect(rows.map(\.state) == [.delivered] && rows.first?.changes == [change])
        #expect(rows.first?.push.rawValue == event.id)
    }

    @Test func aPushWhoseClientGoesWhileItIsJudgedDoesNotHappen() async throws {
        let gate = GateGuard()
        node.hosting.pushes.addGuard(gate)
        let commit = try await node.commit("first", in: repository)
        let session = node.hosting.pushes.begin(
            repository: repository, principal: .localOperator, transport: "http")
        let changes = [RefChange(ref: main, from: .zero, to: commit)]
        async let verdict = session.preReceive(changes: changes, quarantine: nil, options: [])
        await gate.waitForPush()
        session.breakOff()
        gate.open()
        #expect(await verdict == .refuse(text: "The push was broken off. Push again."))
        #expect(!session.isCommitting)
        #expect(node.hosting.pushes.session(secret: session.secret) == nil)
        #expect(try await node.hosting.journal.recent(in: repository.id, limit: 10).isEmpty)
    }

    @Test func aPushWhoseClientGoesOnceItIsAcceptedComesToItsEnd() async throws {
        let commit = try await node.commit("first", in: repository)
        let session = node.hosting.pushes.begin(
            repository: repository, principal: .localOperator, transport: "http")
        let changes = [RefChange(ref: main, from: .zero, to: commit)]
        #expect(await session.preReceive(changes: changes, quarantine: nil, options: []) == .accept)
        session.breakOff()
        #expect(session.isCommitting)
        let failures = try await session.moveRefs(
            [RefUpdate(name: main, old: .zero, new: commit)], quarantine: nil, isAtomic: false)
        #expect(failures.isEmpty)
        let event = try #require(await node.recorder.events("repo:refs_changed", count: 1).first)
        #expect(event.payload["changes"]?[0]?["toHash"] == .string(commit.hex))
    }

    @Test func aRefusedPushLeavesNoRowAndGivesNoEvent() async throws {
        let refusal = ChosenGuard(.refuse(text: "No pushes on Fridays."))
        let never = ChosenGuard(.accept)
        node.hosting.pushes.addGuard(refusal)
        node.hosting.pushes.addGuard(never)
        let commit = try await node.commit("first", in: repository)
        let session = node.hosting.pushes.begin(
            repository: repository, principal: .localOperator, transport: "http")
        let changes = [RefChange(ref: main, from: .zero, to: commit)]
        let verdict = await session.preReceive(changes: changes, quarantine: "/q", options: ["a=b"])
        #expect(verdict == .refuse(text: "No pushes on Fridays.") && !session.isCommitting)
        try await session.finish(report: PushReport(lines: []))
        #expect(refusal.asked.map(\.changes) == [changes] && refusal.asked.map(\.pushOptions) == [["a=b"]])
        #expect(refusal.asked.map(\.quarantine) == ["/q"] && refusal.asked.map(\.trigger) == [.push])
        #expect(never.asked.isEmpty)
        #expect(try await node.hosting.journal.recent(in: repository.id, limit: 10).isEmpty)
        await #expect(throws: HostingError.refused(text: "No pushes on Fridays.")) {
            try await node.hosting.refs.update(
                changes, in: repository, trigger: .branchCreate, by: .localOperator)
        }
        try await node.settle()
        #expect(!node.recorder.all.contains { $0.key == "repo:refs_changed" })
    }

    @Test(arguments: [
        "refs/pull-requests/1/from", "refs/perigee/x",
        "refs/replace/0123456789012345678901234567890123456789",
        "refs/heads/HEAD", "refs/stash",
    ])
    func aRefThatOnlyTheServerWritesIsRefusedWithASentence(_ name: String) async throws {
        let commit = try await node.commit("first", in: repository)
        let verdict = try await node.push(
            [RefChange(ref: try RefName(name), from: .zero, to: commit)], to: repository)
        guard case .refuse(let text) = verdict else {
            Issue.record("accepted")
            return
        }
        #expect(text.hasPrefix("\(name) cannot be changed") && text.hasSuffix("."))
    }

    @Test(arguments: ["refs/notes/commits", "refs/changes/01/1/1", "refs/tags/v1", "refs/heads/a/b"])
    func anyOtherFolderOfRefsIsFine(_ name: String) async throws {
        let commit = try await node.commit("first", in: repository)
        let verdict = try await node.push(
            [RefChange(ref: try RefName(name), from: .zero, to: commit)], to: repository)
        #expect(verdict == .accept)
    }

    @Test func whatTheHookReadsIsParsedOrRefusedWithASentence() throws {
        let (zero, one) = (ObjectID.zero.hex, String(repeating: "1", count: 40))
        let text = "\(zero) \(one) refs/heads/main\n\(one) \(zero) refs/tags/v 1\n"
        let changes = try RefChange.parse(hookInput: Array("\(zero) \(one) refs/heads/main\n".utf8))
        #expect(changes.map(\.kind) == [.add] && changes.map(\.ref) == [main])
        for bad in [
            text, "\(zero) refs/heads/main\n", "x y z\n", "\(zero) \(one) HEAD\n", "\(zero) \(one) \n",
        ] {
            #expect(throws: HostingError.self) { try RefChange.parse(hookInput: Array(bad.utf8)) }
        }
        let notText = Array("\(zero) \(one) refs/heads/".utf8) + [0xFF]
        #expect(throws: HostingError.self) { try RefChange.parse(hookInput: notText) }
    }

    @Test func onlyTheRefsThatGitReportsMovedAreInTheEvent() async throws {
        let commit = try await node.commit("first", in: repository)
        let other = try RefName.branch("other")
        let session = node.hosting.pushes.begin(
            repository: repository, principal: .localOperator, transport: "http")
        let changes = [main, other].map { RefChange(ref: $0, from: .zero, to: commit) }
        #expect(await session.preReceive(changes: changes, quarantine: nil, options: []) == .accept)
        try await node.moveRefs([changes[0]], in: repository)
        try await session.finish(
            report: PushReport(lines: [
                PushReport.Line(ref: main.full, outcome: .ok),
                PushReport.Line(ref: other.full, outcome: .refused(reason: "failed to update ref")),
            ]))
        let events = await node.recorder.events("repo:refs_changed", count: 1)
        #expect(events.first?.payload["changes"]?.listValue?.count == 1)
    }

    @Test func aSecretIsGoodForItsPushAlone() async throws {
        let commit = try await node.commit("first", in: repository)
        let session = node.hosting.pushes.begin(
            repository: repository, principal: .localOperator, transport: "http")
        #expect(session.secret.count == 64)
        #expect(node.hosting.pushes.session(secret: session.secret) === session)
        #expect(node.hosting.pushes.session(secret: String(repeating: "0", count: 64)) == nil)
        let changes = [RefChange(ref: main, from: .zero, to: commit)]
        #expect(await session.preReceive(changes: changes, quarantine: nil, options: []) == .accept)
        #expect(session.isCommitting)
        #expect(await session.preReceive(changes: changes, quarantine: nil, options: []) != .accept)
        try await node.moveRefs(changes, in: repository)
        try await session.finish(report: nil)
        #expect(node.hosting.pushes.session(secret: session.secret) == nil && !session.isCommitting)
        #expect(await session.preReceive(changes: changes, quarantine: nil, options: []) != .accept)
    }

    @Test func rightsThatWentDuringThePushAreAskedForAgain() async throws {
        let ann = Principal(user: try await node.user("ann"))
        try await node.hosting.permissions.grant(
            .repoWrite, toUsers: ["ann"], in: .repository(repository.id), by: .localOperator)
        let commit = try await node.commit("first", in: repository)
        let session = node.hosting.pushes.begin(repository: repository, principal: ann, transport: "http")
        try await node.hosting.permissions.revoke(
            user: "ann", in: .repository(repository.id), by: .localOperator)
        let verdict = await session.preReceive(
            changes: [RefChange(ref: main, from: .zero, to: commit)], quarantine: nil, options: [])
        #expect(verdict == .refuse(text: "Repository ONE/tools does not exist."))
    }

    @Test func eventsOfARepositoryComeInTheOrderOfConfirmation() async throws {
        var parent = ObjectID.zero
        var tips: [String] = []
        for number in 0..<20 {
            let commit = try await node.commit(
                "c\(number)", in: repository, parents: parent.isZero ? [] : [parent])
            try await node.push([RefChange(ref: main, from: parent, to: commit)], to: repository)
            parent = commit
            tips.append(commit.hex)
        }
        let events = await node.recorder.events("repo:refs_changed", count: 20)
        #expect(events.compactMap { $0.payload["changes"]?[0]?["toHash"]?.stringValue } == tips)
    }

    @Test func aHandlerThatFailsStopsNeitherPushNorOthers() async throws {
        struct Failure: Error {}
        _ = try await node.events.subscribe(["repo:refs_changed"], name: "bad") { _ in throw Failure() }
        try await node.seed(repository)
        _ = await node.recorder.events("repo:refs_changed", count: 1)
        try await node.settle()
        let rows = try await node.hosting.journal.recent(in: repository.id, limit: 1)
        #expect(rows.map(\.state) == [.delivered])
    }
}
