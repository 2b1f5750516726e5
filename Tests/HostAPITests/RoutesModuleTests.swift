import HostAPI
import Hosting
import NodeTestKit
import PluginHost
import Portable
import Testing

@Suite struct RoutesModuleTests {
    private static let endpoints = """
        perigee.routes.get("/echo/{word}", { permission = "ANYBODY" }, function(request)
          return { json = {
            method = request.method, path = request.path, word = request.parameters.word,
            query = request.query, user = request.user and request.user.name,
            header = request:header("X-Test"),
          } }
        end)
        perigee.routes.get("/of/{repository}", { permission = "REPO_READ" }, function(request)
          return { json = { slug = request.repository.slug } }
        end)
        perigee.routes.post("/double", { permission = "ANYBODY" }, function(request)
          return { status = 201, json = request.body.n * 2 }
        end)
        perigee.routes.get("/bad/{what}", { permission = "ANYBODY" }, function(request)
          local what = request.parameters.what
          if what == "raise" then error("no answer") end
          if what == "field" then return { body = "x" } end
          if what == "status" then return { status = 99 } end
          if what == "empty" then return { status = 204, json = 1 } end
          if what == "both" then return { json = 1, text = "1" } end
          if what == "large" then return { text = ("x"):rep(1024 * 1024 + 1) } end
          if what == "late" then return request end
        end)
        """

    private static let permissions = """
        {"routes": ["GET /echo/{word}", "GET /of/{repository}", "POST /double", "GET /bad/{what}"]}
        """

    private func ask(
        _ server: TestServer, _ method: String, _ path: String..., caller: Principal = .anonymous,
        query: [String: String] = [:], body: PortableValue = .null
    ) async throws -> RouteAnswer? {
        guard
            case .route(let route, let parameters) = server.routes.find(
                plugin: "a.x", method: method, path: path)
        else { return nil }
        let facts = try await route.admit(caller, parameters)
        let request = RouteRequest(
            method: method, path: "/" + path.joined(separator: "/"), parameters: parameters, query: query,
            body: body, id: "1"
        ) { $0 == "X-Test" ? "yes" : nil }
        return try await route.answer(request, facts)
    }

    private func json(_ answer: RouteAnswer?) throws -> PortableValue {
        guard case .json(let bytes)? = answer?.body else { return .null }
        return try JSON.decode(bytes)
    }

    @Test func `a function gets the request and its answer is sent`() async throws {
        let server = try await TestServer(mains: ["a.x": (Self.permissions, Self.endpoints)])
        let echo = try await ask(server, "GET", "echo", "ä b", query: ["q": "1"])
        #expect(echo?.status == 200)
        #expect(
            try json(echo) == [
                "method": "GET", "path": "/echo/ä b", "word": "ä b", "query": ["q": "1"], "header": "yes",
            ])
        let double = try await ask(server, "POST", "double", body: ["n": 21])
        #expect(double?.status == 201)
        #expect(try json(double) == 42)
        #expect(try await ask(server, "GET", "bad", "nothing") == RouteAnswer(status: 204, body: .none))
        await server.stop()
    }

    @Test(arguments: ["raise", "field", "status", "empty", "both", "large", "late"])
    func `what is no answer is the plugin's failure`(what: String) async throws {
        let server = try await TestServer(mains: ["a.x": (Self.permissions, Self.endpoints)])
        await #expect(throws: PluginCallError.self) { _ = try await ask(server, "GET", "bad", what) }
        await server.stop()
    }

    @Test func `a repository is what the caller may read, and nothing else is told apart`() async throws {
        let server = try await TestServer(mains: ["a.x": (Self.permissions, Self.endpoints)])
        let repository = try await server.makeRepository()
        let user = try await server.hosting.users.create(
            NewUser(name: "ann", displayName: "Ann", emailAddress: "a@example.org", password: "secret"),
            by: .localOperator)
        let ann = Principal(user: user)
        let id = "\(repository.id)"
        #expect(try json(try await ask(server, "GET", "of", id, caller: .localOperator)) == ["slug": "app"])
        for other in [id, "999", "0", "-1", "x", "99999999999999999999"] {
            await #expect(throws: RouteRefusal.self) {
                _ = try await ask(server, "GET", "of", other, caller: ann)
            }
        }
        try await server.hosting.permissions.grant(
            .repoRead, toUsers: ["ann"], in: .repository(repository.id), by: .localOperator)
        #expect(try json(try await ask(server, "GET", "of", id, caller: ann)) == ["slug": "app"])
        await server.stop()
    }

    @Test func `endpoints end with the plugin, and a reload has the new ones`() async throws {
        let server = try await TestServer(mains: ["a.x": (Self.permissions, Self.endpoints)])
        #expect(try await ask(server, "GET", "echo", "a") != nil)
        try await server.plugins.disable("a.x")
        #expect(try await ask(server, "GET", "echo", "a") == nil)
        try await server.plugins.enable("a.x")
        #expect(try await ask(server, "GET", "echo", "a") != nil)
        let registrations = await server.plugins.detail("a.x")?.registrations ?? []
        #expect(registrations.contains("routes GET /of/{repository}"))
        await server.stop()
    }

    /// Code of a main chunk that is refused, and what the reason holds.
    static let refused: [(code: String, text: String)] = [
        ("get('/other', { permission = 'ANYBODY' }, print)", #""routes": ["GET /other"]"#),
        ("get('/double', { permission = 'ANYBODY' }, print)", #""routes": ["GET /double"]"#),
        ("get('a', { permission = 'ANYBODY' }, print)", "a path such as '/report/{repository}' expected"),
        ("get('/../b', { permission = 'ANYBODY' }, print)", "a path such as"),
        ("post('/double', {}, print)", "permission: string expected"),
        ("post('/double', { permission = 'REPO_REED' }, print)", "did you mean 'REPO_READ'"),
        ("post('/double', { permission = 'REPO_READ' }, print)", "needs {repository} in the path"),
        ("get('/of/{repository}', { permission = 'ADMIN' }, print)", "expected for a path with {repository}"),
        (
            "post('/double', { permission = 'ANYBODY', max_body = '2MiB' }, print)",
            "max_body: a size up to 1MiB"
        ),
        (
            "post('/double', { permission = 'ANYBODY', timeout = '1h' }, print)",
            "timeout: a duration up to 5m"
        ),
        ("post('/double', { permission = 'ANYBODY' })", "function expected"),
    ]

    @Test(arguments: refused.indices) func `a wrong endpoint is refused at its line`(
        _ index: Int
    ) async throws {
        let (code, text) = Self.refused[index]
        let server = try await TestServer(mains: ["a.x": (Self.permissions, "\nperigee.routes." + code)])
        let reason = await server.plugins.detail("a.x")?.summary.state.reason ?? ""
        #expect(reason.contains("main.lua:2:") && reason.contains(text), "\(reason)")
        await server.stop()
    }
}
