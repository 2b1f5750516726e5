import ClusterTestKit
import Hosting
import Portable
import Testing

/// Names that would be dangerous or ambiguous as a path, an option, an address or an environment.
private let hostileNames = [
    "", ".", "..", "../x", "a/../b", "a..b", "%2e%2e", "a\u{0}b", "a\\b", "-upload-pack=x", "--help", ".git",
    "x.git",
    "x.GIT", "a/b", "/etc/passwd", "a\nb", "a\rb", "a\tb", " a", "a ", "a.", "x.lock", "a:b", "a\u{202E}b",
    "é",
    "e\u{301}", "a;b", "$(id)", "`id`", String(repeating: "a", count: 5000),
    String(repeating: "a", count: 129),
]

@Suite struct Names {
    @Test(arguments: hostileNames)
    func aHostileRepositoryNameIsRefusedAndNothingIsMade(_ name: String) async throws {
        let home = try TestHome()
        let node = try await home.node()
        let project = try await node.project("ONE")
        await #expect(throws: HostingError.self) {
            try await node.hosting.repositories.create(
                NewRepository(name: name), in: project, by: .localOperator)
        }
        let page = try await node.hosting.repositories.list(
            in: project, page: PageRequest(), by: .localOperator)
        #expect(page.values.isEmpty)
        await #expect(throws: HostingError.noSuchRepository(project: "ONE", slug: name)) {
            try await node.hosting.repositories.find(projectKey: "ONE", slug: name, visibleTo: .localOperator)
        }
    }

    @Test(arguments: hostileNames + ["1A", "_A", "A B", "A-B", "~a", "É"])
    func aHostileProjectKeyIsRefused(_ key: String) async throws {
        let home = try TestHome()
        let node = try await home.node()
        await #expect(throws: HostingError.self) {
            try await node.hosting.projects.create(key: key, name: "Name", by: .localOperator)
        }
        await #expect(throws: HostingError.self) {
            try await node.hosting.projects.find(key: key, visibleTo: .localOperator)
        }
    }

    @Test(arguments: [
        "", "a/b", "a\\b", "a:b", "a=b", "a\nb", "a\u{0}b", "GIT_DIR=x", "-a", "~a", ".", "..", " a", "a ",
        "e\u{301}", "a\u{200B}b", String(repeating: "a", count: 256),
    ])
    func aHostileUserNameIsRefused(_ name: String) async throws {
        let home = try TestHome()
        let node = try await home.node()
        await #expect(throws: HostingError.self) { try await node.user(name) }
    }

    @Test(arguments: [
        ("Hello World", "hello-world"), ("a.b_c-d", "a.b_c-d"), ("_x", "_x"), ("9", "9"),
        (String(repeating: "a", count: 128), String(repeating: "a", count: 128)),
    ])
    func theSlugFollowsFromTheName(_ name: String, _ slug: String) async throws {
        let home = try TestHome()
        let node = try await home.node()
        let project = try await node.project("ONE")
        let repository = try await node.repository(name, in: project)
        #expect(repository.slug == slug)
        #expect(repository.name == name)
    }

    @Test(arguments: TestEngine.allCases)
    func namesThatDifferInCaseOnlyAreTheSame(engine: TestEngine) async throws {
        let home = try TestHome(engine)
        let node = try await home.node()
        let project = try await node.project("one")
        #expect(project.key == "ONE")
        try await node.user("Jane")
        _ = try await node.repository("Tools", in: project)
        await #expect(throws: HostingError.duplicate(what: "project with the key", name: "ONE")) {
            try await node.hosting.projects.create(key: "oNe", name: "Other", by: .localOperator)
        }
        await #expect(throws: HostingError.duplicate(what: "project", name: "pROJECT one")) {
            try await node.hosting.projects.create(key: "TWO", name: "pROJECT one", by: .localOperator)
        }
        await #expect(throws: HostingError.duplicate(what: "user", name: "jANE")) {
            try await node.user("jANE")
        }
        await #expect(throws: HostingError.duplicate(what: "repository", name: "TOOLS")) {
            try await node.repository("TOOLS", in: project)
        }
        let found = try await node.hosting.repositories.find(projectKey: "oNE", slug: "TOOLS")
        #expect(found?.name == "Tools")
    }

    @Test(arguments: TestEngine.allCases)
    func usersWhoseSlugsWouldClashGetANumber(engine: TestEngine) async throws {
        let home = try TestHome(engine)
        let node = try await home.node()
        #expect(try await node.user("jane doe").slug == "jane_doe")
        #expect(try await node.user("jane_doe").slug == "jane_doe2")
        #expect(try await node.user("jürgen").slug == "j_rgen")
    }
}
