import ClusterTestKit
import GitStore
import Hosting
import Portable
import Testing

@Suite struct EntityShapes {
    @Test(arguments: TestEngine.allCases)
    func aRepositoryHasTheFieldsAndLinksThatClientsRead(engine: TestEngine) async throws {
        let home = try TestHome(engine)
        let node = try await home.node { $0.baseURL = BaseURL("https://git.example.org/") }
        let links = node.hosting.settings.baseURL
        let repository = try await node.repository(
            "My Tools", in: try await node.project("ONE"), isPublic: true)
        let shape = repository.portable(links: links)
        #expect(
            shape["links"]?["clone"] == [
                ["href": "https://git.example.org/scm/one/my-tools.git", "name": "http"]
            ])
        #expect(
            shape["links"]?["self"] == [
                ["href": "https://git.example.org/projects/ONE/repos/my-tools/browse"]
            ])
        #expect(shape["slug"] == "my-tools" && shape["name"] == "My Tools" && shape["scmId"] == "git")
        #expect(shape["state"] == "AVAILABLE" && shape["statusMessage"] == "Available")
        #expect(shape["public"] == true && shape["archived"] == false && shape["forkable"] == true)
        #expect(shape["hierarchyId"]?.stringValue?.count == 20 && shape["description"] == nil)
        let project = try #require(shape["project"])
        #expect(project["key"] == "ONE" && project["type"] == "NORMAL" && project["owner"] == nil)
        #expect(project["links"]?["self"] == [["href": "https://git.example.org/projects/ONE"]])
        links.set("http://127.0.0.1:8080")
        #expect(repository.cloneURL(links: links) == "http://127.0.0.1:8080/scm/one/my-tools.git")
    }

    @Test(arguments: TestEngine.allCases)
    func aPersonalRepositoryNamesItsOwner(engine: TestEngine) async throws {
        let home = try TestHome(engine)
        let node = try await home.node { $0.baseURL = BaseURL("http://h") }
        let links = node.hosting.settings.baseURL
        let jane = Principal(user: try await node.user("Jane"))
        let project = try await node.hosting.projects.find(key: "~jane", visibleTo: jane)
        let repository = try await node.hosting.repositories.create(
            NewRepository(name: "x"), in: project, by: jane)
        let shape = repository.portable(links: links)
        #expect(shape["project"]?["type"] == "PERSONAL" && shape["project"]?["owner"]?["name"] == "Jane")
        #expect(shape["links"]?["self"] == [["href": "http://h/users/jane/repos/x/browse"]])
        #expect(repository.cloneURL(links: links) == "http://h/scm/~jane/x.git")
        let user = try #require(jane.user).portable(links: links)
        #expect(user["slug"] == "jane" && user["type"] == "NORMAL" && user["active"] == true)
        #expect(user["emailAddress"] == "Jane@example.org" && user["displayName"] == "Jane")
    }

    @Test(arguments: TestEngine.allCases)
    func theStandardPasswordCostIsScryptWithSixteenMebibytes(engine: TestEngine) async throws {
        let home = try TestHome(engine)
        let node = try await home.node { $0.passwordCost = .standard }
        try await node.user("jane")
        let principal = try await node.hosting.authenticator.authenticate(
            .basic(user: "jane", password: "secret"))
        #expect(principal.user?.name == "jane")
        #expect(PasswordCost.standard == PasswordCost(rounds: 16384, blockSize: 8, parallelism: 1))
    }
}

@Suite struct ClientsThatLeave {
    @Test func aPushThatIsCommittingIsConfirmedAlsoWhenItsTaskIsCancelled() async throws {
        let push = try await PushScene()
        await push.intend()
        try await push.moveRefs()
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            try await push.session.finish(report: push.report)
        }
        try await task.value
        let rows = try await push.rows()
        #expect(rows.first?.state != .intended && rows.count == 1)
        _ = await push.node.recorder.events("repo:refs_changed", count: 1)
    }

    @Test(arguments: TestEngine.allCases)
    func aRepositoryWhoseMakerLeavesIsMadeAllTheSame(engine: TestEngine) async throws {
        let home = try TestHome(engine)
        let node = try await home.node()
        let project = try await node.project("ONE")
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await node.repository("tools", in: project)
        }
        #expect(try await task.value.state == .available)
    }
}
