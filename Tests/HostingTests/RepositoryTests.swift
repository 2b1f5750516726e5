import ClusterServices
import ClusterTestKit
import Foundation
import GitStore
import Hosting
import Portable
import SharedDatabase
import Testing

@Suite struct RepositoriesOfAProject {
    @Test(arguments: TestEngine.allCases)
    func aNewRepositoryIsAnEmptyBareOneNamedByItsIdAlone(engine: TestEngine) async throws {
        let home = try TestHome(engine)
        let node = try await home.node()
        let project = try await node.project("ONE")
        let repository = try await node.repository("My Tools", in: project)
        #expect(repository.state == .available && repository.slug == "my-tools")
        #expect(node.path(repository) == home.layout.repositories + "/\(repository.id)")
        #expect(
            try await Git.run(["rev-parse", "--is-bare-repository"], in: node.path(repository)) == "true")
        #expect(try await Git.run(["symbolic-ref", "HEAD"], in: node.path(repository)) == "refs/heads/main")
        #expect(
            try await node.hosting.refs.defaultBranch(of: repository)
                == .missing(try .branch("main"), repositoryIsEmpty: true))
        let created = await node.recorder.events("repo:created", count: 1)
        #expect(created.first?.payload["repository"]?["slug"] == "my-tools")
        #expect(created.first?.repository == repository.id)
    }

    @Test(arguments: TestEngine.allCases)
    func renamingAndMovingKeepTheFolderAndOldAddressesRedirect(engine: TestEngine) async throws {
        let home = try TestHome(engine)
        let node = try await home.node()
        let hosting = node.hosting
        let (one, two) = (try await node.project("ONE"), try await node.project("TWO"))
        let repository = try await node.repository("tools", in: one)
        try await node.seed(repository)
        let path = node.path(repository)
        let renamed = try await hosting.repositories.update(
            repository, RepositoryChange(name: "Better Tools"), by: .localOperator)
        let moved = try await hosting.repositories.update(
            renamed, RepositoryChange(projectKey: "two"), by: .localOperator)
        #expect(moved.id == repository.id && moved.slug == "better-tools" && moved.project == two)
        #expect(node.path(moved) == path)
        for (key, slug) in [("ONE", "tools"), ("one", "Better-Tools"), ("TWO", "better-tools")] {
            let access = try await hosting.repositories.access(
                projectKey: key, slug: slug, by: .localOperator)
            #expect(access.repository == moved)
            #expect(access.isRedirect == (key != "TWO"))
        }
        let fresh = try await node.repository("tools", in: one)
        #expect(try await hosting.repositories.find(projectKey: "ONE", slug: "tools")?.id == fresh.id)
        let back = try await hosting.repositories.update(
            moved, RepositoryChange(projectKey: "ONE"), by: .localOperator)
        #expect(try await hosting.repositories.find(projectKey: "ONE", slug: "better-tools")?.id == back.id)
        let modified = await node.recorder.events("repo:modified", count: 3)
        #expect(modified.first?.payload["old"]?["slug"] == "tools")
        #expect(modified.first?.payload["new"]?["slug"] == "better-tools")
    }

    @Test(arguments: TestEngine.allCases)
    func aProjectsNewKeyKeepsOldAddressesWorking(engine: TestEngine) async throws {
        let home = try TestHome(engine)
        let node = try await home.node()
        let project = try await node.project("ONE")
        let repository = try await node.repository("tools", in: project)
        let renamed = try await node.hosting.projects.update(
            project, ProjectChange(key: "UNO"), by: .localOperator)
        #expect(renamed.key == "UNO")
        let found = try await node.hosting.repositories.access(
            projectKey: "ONE", slug: "tools", by: .localOperator)
        #expect(
            found.repository.id == repository.id && found.repository.project.key == "UNO" && found.isRedirect)
    }

    @Test(arguments: TestEngine.allCases)
    func anOldAddressTellsNothingToWhoMayNotRead(engine: TestEngine) async throws {
        let home = try TestHome(engine)
        let node = try await home.node()
        let project = try await node.project("ONE")
        let repository = try await node.repository("tools", in: project)
        _ = try await node.hosting.repositories.update(
            repository, RepositoryChange(name: "other"), by: .localOperator)
        await #expect(throws: HostingError.noSuchRepository(project: "ONE", slug: "tools")) {
            try await node.hosting.repositories.access(projectKey: "ONE", slug: "tools", by: .anonymous)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func movingNeedsTheRightToCreateWhereItGoes(engine: TestEngine) async throws {
        let home = try TestHome(engine)
        let node = try await home.node()
        let (one, two) = (try await node.project("ONE"), try await node.project("TWO"))
        let repository = try await node.repository("tools", in: one)
        let ann = Principal(user: try await node.user("ann"))
        try await node.hosting.permissions.grant(
            .projectAdmin, toUsers: ["ann"], in: .project(one.id), by: .localOperator)
        await #expect(throws: HostingError.noSuchProject(key: "TWO")) {
            try await node.hosting.repositories.update(
                repository, RepositoryChange(projectKey: "TWO"), by: ann)
        }
        try await node.hosting.permissions.grant(
            .repoCreate, toUsers: ["ann"], in: .project(two.id), by: .localOperator)
        _ = try await node.hosting.repositories.update(
            repository, RepositoryChange(projectKey: "TWO"), by: ann)
    }

    @Test(arguments: TestEngine.allCases)
    func aDeletedRepositoryIsGoneForEverybodyAndItsIdIsNotUsedAgain(engine: TestEngine) async throws {
        let home = try TestHome(engine)
        let node = try await home.node()
        let project = try await node.project("ONE")
        let repository = try await node.repository("tools", in: project)
        await #expect(throws: HostingError.notEmpty(project: "ONE", repositories: 1)) {
            try await node.hosting.projects.delete(project, by: .localOperator)
        }
        try await node.hosting.repositories.delete(repository, by: .localOperator)
        #expect(!FileManager.default.fileExists(atPath: node.path(repository)))
        #expect(try await node.hosting.repositories.get(repository.id) == nil)
        await #expect(throws: HostingError.noSuchRepository(project: "ONE", slug: "tools")) {
            try await node.hosting.repositories.delete(repository, by: .localOperator)
        }
        let again = try await node.repository("tools", in: project)
        #expect(again.id > repository.id && again.hierarchyID != repository.hierarchyID)
        try await node.hosting.repositories.delete(again, by: .localOperator)
        try await node.hosting.projects.delete(project, by: .localOperator)
        let gone = await node.recorder.events("repo:deleted", count: 2)
        #expect(gone.map(\.repository) == [repository.id, again.id])
    }

    @Test(arguments: TestEngine.allCases)
    func aKillBetweenRowAndFolderLeavesNoNameTaken(engine: TestEngine) async throws {
        let home = try TestHome(engine)
        let node = try await home.node()
        let project = try await node.project("ONE")
        let repository = try await node.repository("tools", in: project)
        try await node.database.write { transaction in
            try transaction.execute("UPDATE repository SET state = 'INITIALISING'")
        }
        let found = try await node.hosting.repositories.find(projectKey: "ONE", slug: "tools")
        await #expect(throws: HostingError.notReady(project: "ONE", slug: "tools")) {
            try await node.hosting.refs.branches(in: try #require(found), page: PageRequest())
        }
        await node.kill()
        let next = try await home.node()
        #expect(try await next.hosting.repositories.find(projectKey: "ONE", slug: "tools") == nil)
        #expect(!FileManager.default.fileExists(atPath: next.path(repository)))
        #expect(try await next.repository("tools", in: project).state == .available)
    }

    @Test(arguments: TestEngine.allCases)
    func aKillBetweenDeletedRowAndFolderIsMadeGoodAtTheNextStart(engine: TestEngine) async throws {
        let home = try TestHome(engine)
        let node = try await home.node()
        let project = try await node.project("ONE")
        let (gone, kept) = (
            try await node.repository("gone", in: project), try await node.repository("kept", in: project)
        )
        try await node.database.write { transaction in
            try transaction.execute("DELETE FROM repository WHERE id = ?", [.id(gone.id)])
            try transaction.execute(
                "INSERT INTO repository_removal (repository_id, removed_at) VALUES (?, 0)", [.id(gone.id)])
        }
        await node.kill()
        let next = try await home.node()
        #expect(!FileManager.default.fileExists(atPath: next.path(gone)))
        #expect(FileManager.default.fileExists(atPath: next.path(kept)))
    }

    @Test(arguments: TestEngine.allCases)
    func aFolderThatNoRowKnowsIsLeftAlone(engine: TestEngine) async throws {
        let home = try TestHome(engine)
        let stray = home.layout.repositories + "/4711"
        try FileManager.default.createDirectory(atPath: stray, withIntermediateDirectories: true)
        _ = try await home.node()
        #expect(FileManager.default.fileExists(atPath: stray))
    }

    @Test(arguments: TestEngine.allCases)
    func anArchivedRepositoryCanOnlyBeReadUntilItIsUnarchived(engine: TestEngine) async throws {
        let home = try TestHome(engine)
        let node = try await home.node()
        let hosting = node.hosting
        let project = try await node.project("ONE")
        let repository = try await node.repository("tools", in: project)
        let tip = try await node.seed(repository)
        _ = try await hosting.repositories.update(
            repository, RepositoryChange(isArchived: true), by: .localOperator)
        let archived = HostingError.archived(project: "ONE", slug: "tools")
        await #expect(throws: archived) {
            try await hosting.pushes.requirePushable(repository, by: .localOperator)
        }
        await #expect(throws: archived) {
            try await hosting.refs.createBranch(
                in: repository, name: "x", startPoint: "main", by: .localOperator)
        }
        await #expect(throws: archived) {
            try await hosting.repositories.update(
                repository, RepositoryChange(name: "other"), by: .localOperator)
        }
        let change = RefChange(ref: try .branch("x"), from: .zero, to: tip)
        let session = hosting.pushes.begin(
            repository: repository, principal: .localOperator, transport: "http")
        #expect(
            await session.preReceive(changes: [change], quarantine: nil, options: [])
                == .refuse(text: "Repository ONE/tools is archived. Unarchive it to change it."))
        #expect(
            try await hosting.contents.commits(in: repository, page: PageRequest()).values.map(\.id) == [tip])
        let open = try await hosting.repositories.update(
            repository, RepositoryChange(isArchived: false), by: .localOperator)
        try await hosting.pushes.requirePushable(open, by: .localOperator)
    }

    @Test(arguments: TestEngine.allCases)
    func listsAreFilteredAndPaged(engine: TestEngine) async throws {
        let home = try TestHome(engine)
        let node = try await home.node()
        let (one, two) = (try await node.project("ONE"), try await node.project("TWO", isPublic: true))
        for name in ["alpha", "beta", "gamma"] { _ = try await node.repository(name, in: one) }
        _ = try await node.repository("alphabet", in: two)
        func slugs(_ filter: RepositoryFilter, _ page: PageRequest = PageRequest()) async throws -> [String] {
            try await node.hosting.repositories.list(filter, page: page, by: .localOperator).values.map(
                \.slug)
        }
        #expect(try await slugs(RepositoryFilter()) == ["alpha", "beta", "gamma", "alphabet"])
        #expect(try await slugs(RepositoryFilter(), PageRequest(start: 1, limit: 2)) == ["beta", "gamma"])
        #expect(try await slugs(RepositoryFilter(name: "ALPHA")) == ["alpha", "alphabet"])
        #expect(try await slugs(RepositoryFilter(name: "a%")) == [])
        #expect(try await slugs(RepositoryFilter(projectKey: "two")) == ["alphabet"])
        #expect(try await slugs(RepositoryFilter(projectName: "project two")) == ["alphabet"])
        #expect(try await slugs(RepositoryFilter(isPublic: true)) == ["alphabet"])
        #expect(try await slugs(RepositoryFilter(isArchived: true)) == [])
        #expect(try await slugs(RepositoryFilter(state: .initialising)) == [])
    }

    @Test(arguments: TestEngine.allCases, [(-5, -5), (Int.max, Int.max), (Int.min, 0)])
    func anyNumbersMakeAPage(engine: TestEngine, page: (start: Int, limit: Int)) async throws {
        let (start, limit) = page
        let home = try TestHome(engine)
        let node = try await home.node()
        let project = try await node.project("ONE")
        _ = try await node.repository("tools", in: project)
        let request = PageRequest(start: start, limit: limit)
        let page = try await node.hosting.repositories.list(in: project, page: request, by: .localOperator)
        #expect(page.values.count == (request.start == 0 ? 1 : 0) && page.isLastPage)
        #expect((1...PageRequest.limitMax).contains(request.limit))
    }
}

@Suite struct ProjectsOfTheServer {
    @Test(arguments: TestEngine.allCases)
    func whoMakesAProjectAdministersIt(engine: TestEngine) async throws {
        let home = try TestHome(engine)
        let node = try await home.node()
        let ann = Principal(user: try await node.user("ann"))
        await #expect {
            try await node.hosting.projects.create(key: "ONE", name: "One", by: ann)
        } throws: { error in
            if case .notAuthorised(permission: .projectCreate, _)? = error as? HostingError {
                true
            } else {
                false
            }
        }
        try await node.hosting.permissions.grant(
            .projectCreate, toUsers: ["ann"], in: .global, by: .localOperator)
        let project = try await node.hosting.projects.create(key: "ONE", name: "One", by: ann)
        #expect(try await node.hosting.permissions.has(.projectAdmin, ann, project: project))
        let changed = try await node.hosting.projects.update(
            project, ProjectChange(name: "Uno", description: "first", isPublic: true), by: ann)
        #expect(
            changed.name == "Uno" && changed.description == "first" && changed.isPublic
                && changed.key == "ONE")
        let created = await node.recorder.events("project:created", count: 1)
        #expect(created.first?.payload["actor"]?["name"] == "ann")
        let modified = await node.recorder.events("project:modified", count: 1)
        #expect(modified.first?.payload["old"]?["name"] == "One")
        try await node.hosting.projects.delete(changed, by: ann)
        await #expect(throws: HostingError.noSuchProject(key: "one")) {
            try await node.hosting.projects.find(key: "one", visibleTo: ann)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func aPersonalProjectAppearsAtItsOwnersFirstUseOnly(engine: TestEngine) async throws {
        let home = try TestHome(engine)
        let node = try await home.node()
        let ann = Principal(user: try await node.user("ann"))
        let bob = Principal(user: try await node.user("bob"))
        await #expect(throws: HostingError.noSuchProject(key: "~ann")) {
            try await node.hosting.projects.find(key: "~ann", visibleTo: bob)
        }
        let project = try await node.hosting.projects.find(key: "~Ann", visibleTo: ann)
        #expect(project.kind == .personal && project.owner == ann.user && project.key == "~ann")
        #expect(try await node.hosting.projects.find(key: "~ann", visibleTo: ann).id == project.id)
        await #expect(throws: HostingError.noSuchProject(key: "~ann")) {
            try await node.hosting.projects.find(key: "~ann", visibleTo: bob)
        }
        let repository = try await node.hosting.repositories.create(
            NewRepository(name: "mine"), in: project, by: ann)
        try await node.hosting.permissions.grant(
            .repoRead, toUsers: ["bob"], in: .repository(repository.id), by: ann)
        #expect(try await node.hosting.projects.find(key: "~ann", visibleTo: bob).id == project.id)
        await #expect(throws: HostingError.self) {
            try await node.hosting.projects.update(project, ProjectChange(key: "ANN"), by: ann)
        }
    }
}
