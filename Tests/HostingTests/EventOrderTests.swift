import ClusterServices
import ClusterTestKit
import GitStore
import Hosting
import NodeTestKit
import Portable
import SharedDatabase
import Testing

/// Which events the domain's changes give, and in which order.
@Suite struct EventOrderTests {
    @Test(arguments: TestEngine.allCases)
    func `a change and its event are written down together, and come after a kill`(
        engine: TestEngine
    ) async throws {
        let home = try TestHome(engine)
        // Not started: nothing is delivered, as if the kill came right after the commit.
        let node = try await home.node(starts: false)
        let project = try await node.project("ONE")
        let renamed = try await node.hosting.projects.update(
            project, ProjectChange(name: "Renamed"), by: .localOperator)
        let repository = try await node.repository("tools", in: renamed)
        let moved = try await node.hosting.repositories.update(
            repository, RepositoryChange(name: "utils"), by: .localOperator)
        try await node.seed(moved)
        await node.kill()
        let second = try await home.node(starts: false)
        try await second.hosting.repositories.delete(moved, by: .localOperator)
        try await second.hosting.projects.delete(renamed, by: .localOperator)
        await second.kill()

        let next = try await home.node()
        try await next.settle()
        // What was pushed to a repository that is gone by now concerns nobody.
        #expect(
            next.recorder.all.map(\.key) == [
                "project:created", "project:modified", "repo:created", "repo:modified", "repo:deleted",
                "project:deleted",
            ])
        #expect(next.recorder.all[2].payload["repository"]?["slug"] == "tools")
        #expect(next.recorder.all[3].payload["old"]?["slug"] == "tools")
        #expect(next.recorder.all[3].payload["new"]?["slug"] == "utils")
        await next.hosting.stop()
        await next.kill()
        let last = try await home.node()
        await last.hosting.stop()
        #expect(last.recorder.all.isEmpty)
    }

    @Test(arguments: TestEngine.allCases)
    func `a change that fails gives no event`(engine: TestEngine) async throws {
        let home = try TestHome(engine)
        let node = try await home.node()
        let project = try await node.project("ONE")
        _ = try await node.repository("tools", in: project)
        await #expect(throws: HostingError.self) { _ = try await node.project("ONE") }
        await #expect(throws: HostingError.self) { _ = try await node.repository("tools", in: project) }
        await #expect(throws: HostingError.self) {
            try await node.hosting.projects.delete(project, by: .localOperator)
        }
        try await node.settle()
        #expect(node.recorder.all.map(\.key) == ["project:created", "repo:created"])
    }

    @Test(arguments: TestEngine.allCases)
    func `racing pushes and branches reach all in the order of confirmation`(engine: TestEngine) async throws
    {
        let home = try TestHome(engine)
        let node = try await home.node()
        let other = EventRecorder()
        _ = try await node.events.subscribe(["repo:refs_changed"], name: "other") { event in
            await Task.yield()
            other.record(event)
        }
        let repository = try await node.repository("tools", in: try await node.project("ONE"))
        let commit = try await node.seed(repository)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<10 {
                let change = RefChange(ref: try .branch("push/\(number)"), from: .zero, to: commit)
                group.addTask { try await node.push([change], to: repository) }
                group.addTask {
                    let name = "rest/\(number)"
                    _ = try await node.hosting.refs.createBranch(
                        in: repository, name: name, startPoint: "main", by: .localOperator)
                    try await node.hosting.refs.deleteBranch(in: repository, name: name, by: .localOperator)
                }
            }
            try await group.waitForAll()
        }
        let seen = await node.recorder.events("repo:refs_changed", count: 31)
        #expect(await other.events("repo:refs_changed", count: 31).map(\.id) == seen.map(\.id))
        for number in 0..<10 {
            let kinds = seen.compactMap { event -> String? in
                guard let change = event.payload["changes"]?[0],
                    change["ref"]?["displayId"]?.stringValue == "rest/\(number)"
                else { return nil }
                return change["type"]?.stringValue
            }
            #expect(kinds == ["ADD", "DELETE"])
        }
        try await node.settle()
        let states = try await node.hosting.journal.recent(in: repository.id, limit: 100).map(\.state)
        #expect(states.count == 31 && states.allSatisfy { $0 == .delivered })
    }

    @Test func `changes of one ref are confirmed in the order in which it moved`() async throws {
        let push = try await PushScene()
        let node = push.node
        await push.intend()
        try await push.moveRefs()
        // The ref has moved, the report is not out, and the next push builds on it.
        let tip = try await node.commit("second", in: push.repository, parents: [push.changes[0].to])
        let change = RefChange(ref: push.changes[0].ref, from: push.changes[0].to, to: tip)
        let next = node.hosting.pushes.begin(
            repository: push.repository, principal: .localOperator, transport: "http")
        #expect(await next.preReceive(changes: [change], quarantine: nil, options: []) == .accept)
        try await node.moveRefs([change], in: push.repository)
        let report = PushReport(lines: [.init(ref: change.ref.full, outcome: .ok)])
        async let finished: Void = next.finish(report: report)
        // Time enough for it to be confirmed, if it did not wait.
        for _ in 0..<50 { #expect(try await push.rows().map(\.state) == [.intended, .intended]) }
        try await push.session.finish(report: push.report)
        try await finished
        let events = await node.recorder.events("repo:refs_changed", count: 2)
        #expect(events.map(\.id) == [push.session.id.rawValue, next.id.rawValue])
    }

    @Test func `a push of very many refs gives an event of the first, with their number`() async throws {
        let push = try await PushScene(branches: (0..<6_000).map { "b\($0)" })
        await push.intend()
        let lines = push.changes.map { "create \($0.ref.full) \($0.to.hex)\n" }.joined()
        try await Git.run(["update-ref", "--stdin"], in: push.node.path(push.repository), input: lines)
        try await push.session.finish(report: push.report)
        let event = await push.node.recorder.events("repo:refs_changed", count: 1)[0]
        #expect(event.payload["changes"]?.listValue?.count == 5_000)
        #expect(event.payload["truncated"]?["changes"] == 6_000)
    }
}
