import ClusterServices
import GitStore
import Hosting
import NIOCore
import Portable
import Synchronization
import Testing

@Suite struct RefsOverREST {
    private let home: TestHome
    private let node: TestNode
    private let repository: Repository
    private let first: ObjectID

    init() async throws {
        home = try TestHome()
        node = try await home.node()
        repository = try await node.repository("tools", in: try await node.project("ONE"))
        first = try await node.seed(repository, files: ["README": "hello\n", "src/a.txt": "1\n2\r\n3"])
    }

    @Test func branchesAreMadeListedAndDeletedWithAnEventEach() async throws {
        let refs = node.hosting.refs
        let made = try await refs.createBranch(
            in: repository, name: "feature/x", startPoint: "main", by: .localOperator)
        #expect(made.latestCommit == first && made.name.display == "feature/x" && !made.isDefault)
        let page = try await refs.branches(in: repository, page: PageRequest(start: 0, limit: 1))
        #expect(page.values.map(\.name.display) == ["feature/x"] && page.nextStart == 1)
        let all = try await refs.branches(in: repository, filter: "MAI", page: PageRequest())
        #expect(all.values.map(\.name.display) == ["main"] && all.values.first?.isDefault == true)
        await #expect(throws: HostingError.duplicate(what: "branch", name: "feature/x")) {
            try await refs.createBranch(
                in: repository, name: "feature/x", startPoint: "main", by: .localOperator)
        }
        try await refs.deleteBranch(
            in: repository, name: "feature/x", expected: first, dryRun: true, by: .localOperator)
        #expect(try await refs.branch("feature/x", in: repository).latestCommit == first)
        await #expect(throws: HostingError.self) {
            try await refs.deleteBranch(
                in: repository, name: "feature/x", expected: .zero, by: .localOperator)
        }
        try await refs.deleteBranch(in: repository, name: "feature/x", expected: first, by: .localOperator)
        try await refs.deleteBranch(in: repository, name: "feature/x", by: .localOperator)
        let events = await node.recorder.events("repo:refs_changed", count: 3)
        #expect(events.map { $0.payload["changes"]?[0]?["type"] } == ["ADD", "ADD", "DELETE"])
        #expect(events.last?.payload["changes"]?[0]?["fromHash"] == .string(first.hex))
    }

    @Test func tagsCanBeLightweightOrAnnotated() async throws {
        let refs = node.hosting.refs
        let ann = Principal(user: try await node.user("ann"))
        try await node.hosting.permissions.grant(
            .repoWrite, toUsers: ["ann"], in: .repository(repository.id), by: .localOperator)
        let light = try await refs.createTag(in: repository, name: "v1", startPoint: first.hex, by: ann)
        #expect(light.latestCommit == first && light.tagObject == nil)
        let heavy = try await refs.createTag(
            in: repository, name: "v2", startPoint: "v1", message: "second", by: ann)
        #expect(heavy.latestCommit == first && heavy.tagObject != nil)
        let text = try await Git.run(["cat-file", "tag", "v2"], in: node.path(repository))
        #expect(text.contains("tagger Ann <ann@example.org>") && text.hasSuffix("second"))
        #expect(try await refs.tags(in: repository, page: PageRequest()).values == [light, heavy])
        try await refs.deleteTag(in: repository, name: "v2", by: ann)
        await #expect(throws: HostingError.noSuchTag(name: "v2")) {
            try await refs.deleteTag(in: repository, name: "v2", by: ann)
        }
    }

    @Test func theDefaultBranchIsNotDeletedAndCanBeAnother() async throws {
        let refs = node.hosting.refs
        await #expect(throws: HostingError.self) {
            try await refs.deleteBranch(in: repository, name: "main", by: .localOperator)
        }
        let deletion = RefChange(ref: try .branch("main"), from: first, to: .zero)
        let verdict = try await node.push([deletion], to: repository)
        #expect(
            verdict
                == .refuse(
                    text:
                        "main is the default branch and cannot be deleted. "
                        + "Make another branch the default first."
                ))
        await #expect(throws: HostingError.noSuchBranch(name: "next")) {
            try await refs.setDefaultBranch(of: repository, to: "next", by: .localOperator)
        }
        _ = try await refs.createBranch(in: repository, name: "next", startPoint: "main", by: .localOperator)
        try await refs.setDefaultBranch(of: repository, to: "refs/heads/next", by: .localOperator)
        let branch = try await refs.branch("next", in: repository)
        #expect(try await refs.defaultBranch(of: repository) == .branch(branch) && branch.isDefault)
        try await refs.deleteBranch(in: repository, name: "main", by: .localOperator)
        _ = await node.recorder.events("repo:default_branch_modified", count: 1)
    }

    @Test(arguments: [
        "", "-x", "a..b", "a.lock", "@{", "a b", "a~1", "a^", "a:b", "a\u{7}", "HEAD", "a//b", "/a", "a/",
        ".a",
        "a\\b", "a\u{0}", String(repeating: "a", count: 4096),
    ])
    func aRefNameThatGitOrTheServerRefusesIsRefused(_ name: String) async throws {
        await #expect(throws: HostingError.self) {
            try await node.hosting.refs.createBranch(
                in: repository, name: name, startPoint: "main", by: .localOperator)
        }
        await #expect(throws: HostingError.self) { try await node.hosting.refs.branch(name, in: repository) }
        #expect(try await node.hosting.refs.branches(in: repository, page: PageRequest()).values.count == 1)
    }

    @Test func aChangeOfARefThatHasMovedIsAConflictAndLeavesNothing() async throws {
        let second = try await node.commit("second", in: repository, parents: [first])
        let (main, other) = (try RefName.branch("main"), try RefName.branch("other"))
        let changes = [
            RefChange(ref: other, from: .zero, to: first), RefChange(ref: main, from: second, to: first),
        ]
        await #expect {
            try await node.hosting.refs.update(changes, in: repository, trigger: .plugin, by: .localOperator)
        } throws: { error in
            if case .conflict? = error as? HostingError { true } else { false }
        }
        await #expect(throws: HostingError.noSuchBranch(name: "other")) {
            try await node.hosting.refs.branch("other", in: repository)
        }
        let rows = try await node.hosting.journal.recent(in: repository.id, limit: 10)
        #expect(rows.count == 1)
    }

    @Test func whoMayOnlyReadChangesNothing() async throws {
        let ann = Principal(user: try await node.user("ann"))
        await #expect(throws: HostingError.noSuchRepository(project: "ONE", slug: "tools")) {
            try await node.hosting.refs.createBranch(in: repository, name: "x", startPoint: "main", by: ann)
        }
        try await node.hosting.permissions.grant(
            .repoRead, toUsers: ["ann"], in: .repository(repository.id), by: .localOperator)
        await #expect {
            try await node.hosting.refs.createBranch(in: repository, name: "x", startPoint: "main", by: ann)
        } throws: { error in
            if case .notAuthorised(permission: .repoWrite, _)? = error as? HostingError {
                true
            } else {
                false
            }
        }
        await #expect {
            try await node.hosting.refs.setDefaultBranch(of: repository, to: "main", by: ann)
        } throws: { error in
            if case .notAuthorised(permission: .repoAdmin, _)? = error as? HostingError {
                true
            } else {
                false
            }
        }
    }

    @Test func commitsFoldersAndFilesAreRead() async throws {
        let contents = node.hosting.contents
        let second = try await node.commit(
            "second\n\nbody", in: repository, parents: [first], files: ["README": "x\n"])
        try await node.push([RefChange(ref: try .branch("main"), from: first, to: second)], to: repository)
        let page = try await contents.commits(in: repository, page: PageRequest(start: 0, limit: 1))
        #expect(page.values.map(\.id) == [second] && page.nextStart == 1)
        #expect(
            try await contents.commits(in: repository, until: "main", since: first.hex, page: PageRequest())
                .values
                .map(\.id) == [second])
        let commit = try await contents.commit(second.short, in: repository)
        #expect(commit.portable()["message"] == "second\n\nbody")
        #expect(commit.portable()["parents"]?[0]?["id"] == .string(first.hex))
        guard
            case .directory(let path, _, let entries) = try await contents.browse(
                "/src/", at: first.hex, in: repository, page: PageRequest())
        else {
            Issue.record("not a folder")
            return
        }
        #expect(path == "src" && entries.values.map(\.name) == ["a.txt"])
        guard
            case .text(let lines, let size) = try await contents.browse(
                "src/a.txt", at: first.hex, in: repository, page: PageRequest(start: 1, limit: 1))
        else {
            Issue.record("not a text")
            return
        }
        #expect(lines.values == ["2"] && lines.nextStart == 2 && size == 6)
        #expect(
            try await contents.files("", at: first.hex, in: repository, page: PageRequest()).values
                == ["README", "src/a.txt"])
        for path in ["nothing", "../README", "src/../README", "README/x", "a\u{0}b"] {
            await #expect(throws: HostingError.self) { try await contents.raw(path, in: repository) }
        }
        for revision in ["nothing", "main^", "main~1", "HEAD@{0}", "--all", ":/second", "a\u{0}"] {
            await #expect(throws: HostingError.noSuchCommit(revision: revision)) {
                try await contents.commit(revision, in: repository)
            }
        }
    }

    @Test(arguments: [0, 5, 256 * 1024, 256 * 1024 + 1, 3_000_000])
    func aFilesBytesComeWholeWhateverItsSize(_ size: Int) async throws {
        let text = String(repeating: "0123456789abcde\n", count: size / 16 + 1).prefix(size)
        let commit = try await node.commit(
            "big", in: repository, parents: [first], files: ["big": String(text)])
        let file = try await node.hosting.contents.raw("big", at: commit.hex, in: repository)
        var bytes: [UInt8] = []
        for try await chunk in file.chunks { bytes.append(contentsOf: chunk.readableBytesView) }
        #expect(file.size == Int64(size) && !file.isBinary && file.head == Array(text.utf8.prefix(8000)))
        #expect(bytes == Array(text.utf8))
    }

    @Test func anEmptyRepositoryHasNoDefaultBranchYet() async throws {
        let empty = try await node.repository("empty", in: repository.project)
        await #expect(throws: HostingError.noDefaultBranch(name: "main")) {
            try await node.hosting.contents.commits(in: empty, page: PageRequest())
        }
        #expect(try await node.hosting.refs.branches(in: empty, page: PageRequest()).values.isEmpty)
    }
}
