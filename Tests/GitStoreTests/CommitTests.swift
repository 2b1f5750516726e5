import Foundation
import GitStore
import NodeTestKit
import Portable
import Testing

@Suite struct CommitTests {
    /// A history with a merge: main has 6 commits of its own, a side branch 2.
    private func history() async throws -> (fixture: Fixture, work: String) {
        let fixture = try await Fixture()
        let git = fixture.git
        let work = try await git.makeRepository("work")
        for number in 1...3 {
            try await git.commit(
                in: work, file: "main/\(number)", text: "\(number)", message: "main \(number)")
        }
        try await git.succeed("checkout", "--quiet", "-b", "side", "HEAD~1", in: work)
        for number in 1...2 {
            try await git.commit(in: work, file: "side/*", text: "\(number)", message: "side \(number)")
        }
        try await git.succeed("checkout", "--quiet", "main", in: work)
        try await git.succeed("merge", "--quiet", "--no-ff", "--no-edit", "side", in: work)
        try await git.commit(in: work, file: "main/4", text: "4", message: "main 4\n\nbody")
        try await git.succeed("push", "--quiet", fixture.path, "main", "side", in: work)
        return (fixture, work)
    }

    @Test func aCommitIsReadWithItsPeopleAndTimes() async throws {
        let (fixture, _) = try await history()
        var client = fixture.git
        client.environment = [
            "GIT_AUTHOR_DATE": "1700000000 +0530", "GIT_COMMITTER_DATE": "1700000100 -0800",
        ]
        let work = client.directory.path("work")
        let text = try await client.commit(in: work, file: "x", text: "x", message: "dated: ünï\n\nbody\n")
        try await client.succeed("push", "--quiet", fixture.path, "main", in: work)
        let id = try #require(ObjectID(text))
        let commit = try #require(try await fixture.store.commit(id, in: fixture.path))
        #expect(commit.message == "dated: ünï\n\nbody\n")
        #expect(
            commit.author
                == Signature(
                    name: "Ada Author", email: "ada@example.org", timestamp: 1_700_000_000_000,
                    offsetMinutes: 330))
        #expect(commit.committer.timestamp == 1_700_000_100_000)
        #expect(commit.committer.offsetMinutes == -480)
        #expect(commit.parents == [try await fixture.id("main~1")])
        #expect(commit.tree == (try await fixture.id("main^{tree}")))
        #expect(try await fixture.store.commit(commit.tree, in: fixture.path) == nil)
        #expect(try await fixture.store.commit(.zero, in: fixture.path) == nil)
    }

    @Test func aMessageInLatin1IsReadAsText() async throws {
        let fixture = try await Fixture()
        let work = try await fixture.pushCommits()
        let raw = """
            tree \(try await fixture.id("main^{tree}"))
            author A <a@b> 1 +0000
            committer A <a@b> 1 +0000
            encoding ISO-8859-1


            """
        let bytes = Data(raw.utf8) + Data([0x67, 0x72, 0xFC, 0x6E, 0x0A])
        let id = try await fixture.git.run(
            "hash-object", "-t", "commit", "-w", "--stdin", in: work, input: bytes)
        let text = id.output.trimmingCharacters(in: .newlines)
        let commit = try await fixture.store.commit(try #require(ObjectID(text)), in: work + "/.git")
        #expect(commit?.message == "grün\n")
    }

    @Test func commitsAreListedInTheOrderOfGitLog() async throws {
        let (fixture, _) = try await history()
        let until = try await fixture.id("main")
        let since = try await fixture.id("main~3")
        func listed(_ query: CommitQuery) async throws -> [String] {
            try await fixture.store.commits(in: fixture.path, query: query).map(\.id.hex)
        }
        func expected(_ arguments: String...) async throws -> [String] {
            try await fixture.git.lines(arguments: ["rev-list"] + arguments, in: fixture.path)
        }
        #expect(try await Set(listed(CommitQuery(until: until))) == Set(expected("main")))
        #expect(try await listed(CommitQuery(until: until, offset: 0, limit: 2)) == expected("-2", "main"))
        #expect(
            try await Set(listed(CommitQuery(until: until, since: since))) == Set(expected("main~3..main")))
        #expect(try await listed(CommitQuery(until: until, merges: .only)) == expected("--merges", "main"))
        #expect(
            try await Set(listed(CommitQuery(until: until, merges: .exclude)))
                == Set(expected("--no-merges", "main")))
        #expect(try await listed(CommitQuery(until: until, offset: 100)) == [])
        #expect(try await listed(CommitQuery(until: until, offset: -5, limit: -1)) == [])
        #expect(try await listed(CommitQuery(until: until, limit: .max)).count == 8)
    }

    @Test func pagesOfALongHistoryJoinToTheWhole() async throws {
        let fixture = try await Fixture()
        let path = fixture.git.directory.path("large.git")
        try await FastImport.makeRepository(at: path, commits: 500, git: fixture.git)
        let until = try await fixture.id("main", in: path)
        var joined: [String] = []
        while true {
            let page = try await fixture.store.commits(
                in: path, query: CommitQuery(until: until, offset: joined.count, limit: 120))
            joined += page.map(\.id.hex)
            if page.count < 120 { break }
        }
        #expect(
            joined.joined(separator: "\n") == (try await fixture.git.succeed("rev-list", "main", in: path)))
    }

    @Test func commitsOfAPathAreListedAndThePathIsTakenLiterally() async throws {
        let (fixture, _) = try await history()
        let until = try await fixture.id("main")
        func subjects(
            _ path: String, merges: CommitQuery.Merges = .include, offset: Int = 0
        ) async throws -> [String] {
            try await fixture.store.commits(
                in: fixture.path, query: CommitQuery(until: until, path: path, merges: merges, offset: offset)
            ).map { String($0.message.prefix { $0 != "\n" }) }
        }
        #expect(try await subjects("main") == ["main 4", "main 3", "main 2", "main 1"])
        #expect(try await subjects("main", offset: 2) == ["main 2", "main 1"])
        #expect(try await subjects("side/*") == ["side 2", "side 1"])
        #expect(try await subjects("main/*") == [])
        for path in ["--all", ":(top)main", "nothing", "../x", "main/4/"] where path != "main/4/" {
            #expect((try? await subjects(path)) ?? [] == [], "\(path)")
        }
    }

    @Test func commitsFromWhatIsNotThereAreAnError() async throws {
        let (fixture, _) = try await history()
        let missing = try #require(ObjectID(String(repeating: "12", count: 20)))
        for path in [nil, "main"] {
            await #expect(throws: GitStoreError.noSuchObject(missing)) {
                try await fixture.store.commits(
                    in: fixture.path, query: CommitQuery(until: missing, path: path))
            }
        }
    }

    @Test func ancestryIsToldAsGitTellsIt() async throws {
        let (fixture, _) = try await history()
        let names = ["main", "main~1", "side", "side~1", "main~2", "main~4"]
        for old in names {
            for new in names {
                let expected = try await fixture.git.run(
                    "merge-base", "--is-ancestor", old, new, in: fixture.path)
                let told = try await fixture.store.isAncestor(
                    try await fixture.id(old), of: try await fixture.id(new), in: fixture.path)
                #expect(told == expected.succeeded, "\(old) \(new)")
            }
        }
        let missing = try #require(ObjectID(String(repeating: "12", count: 20)))
        #expect(
            try await !fixture.store.isAncestor(missing, of: try await fixture.id("main"), in: fixture.path))
    }

    @Test func objectsOfAPushAreReadFromItsQuarantine() async throws {
        let (fixture, work) = try await history()
        let text = try await fixture.git.commit(in: work, file: "new", text: "new", message: "quarantined")
        let new = try #require(ObjectID(text))
        let old = try await fixture.id("main")
        let quarantine = work + "/.git/objects"
        #expect(try await fixture.store.commit(new, in: fixture.path) == nil)
        #expect(
            try await fixture.store.commit(new, in: fixture.path, quarantine: quarantine)?.message
                == "quarantined\n")
        #expect(try await fixture.store.isAncestor(old, of: new, in: fixture.path, quarantine: quarantine))
        #expect(try await !fixture.store.isAncestor(old, of: new, in: fixture.path))
        #expect(try await !fixture.store.isAncestor(old, of: new, in: fixture.path, quarantine: "/nowhere"))
    }
}

extension GitClient {
    /// The lines of a command's output.
    fileprivate func lines(arguments: [String], in folder: String) async throws -> [String] {
        let outcome = try await run(arguments: arguments, in: folder)
        #expect(outcome.succeeded)
        return outcome.output.split(separator: "\n").map(String.init)
    }
}
