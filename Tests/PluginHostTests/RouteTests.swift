import PluginHost
import Portable
import Testing

@Suite struct RouteTests {
    @Test(
        arguments: [
            "", "report", "/", "//", "/a/", "/a//b", "/a b", "/a%20", "/.", "/a/..", "/{}", "/{A}",
            "/{a}/{a}",
            "/{a", "/a}", "/x{a}", "/ü", "/" + String(repeating: "a", count: 200),
            "/" + Array(repeating: "a", count: 11).joined(separator: "/"),
        ])
    func `what is no path of an endpoint is refused`(text: String) {
        #expect(RoutePattern(text) == nil)
    }

    private func route(
        _ method: PluginRoute.Method, _ pattern: String, status: Int = 200
    ) throws -> PluginRoute {
        PluginRoute(
            method, try #require(RoutePattern(pattern)), bodyBytesMax: 0, admit: { _, _ in [:] },
            answer: { _, _ in RouteAnswer(status: status, body: .none) })
    }

    private func answer(
        _ routes: RouteTable, _ method: String, _ path: [String], plugin: String = "a.x"
    ) async throws -> (status: Int, parameters: [String: String])? {
        guard
            case .route(let route, let parameters) = routes.find(plugin: plugin, method: method, path: path)
        else { return nil }
        let request = RouteRequest(
            method: method, path: "", parameters: parameters, query: [:], body: .null, id: "",
            header: { _ in nil })
        return (try await route.answer(request, [:]).status, parameters)
    }

    @Test func `a path finds its endpoint, a word before a name, and its plugin's alone`() async throws {
        let routes = RouteTable(isWhole: false)
        _ = routes.add(try route(.get, "/report/{repository}", status: 201), plugin: "a.x")
        _ = routes.add(try route(.get, "/report/all", status: 202), plugin: "a.x")
        _ = routes.add(try route(.put, "/{a}/{b}", status: 203), plugin: "a.x")
        let found = try #require(try await answer(routes, "GET", ["report", "12"]))
        #expect(found.status == 201 && found.parameters == ["repository": "12"])
        #expect(try await answer(routes, "GET", ["report", "all"])?.status == 202)
        #expect(
            try await answer(routes, "PUT", ["report", "all"])?.parameters == ["a": "report", "b": "all"])
        #expect(try await answer(routes, "GET", ["report"]) == nil)
        #expect(try await answer(routes, "GET", ["report", "12"], plugin: "a.y") == nil)
        guard case .otherMethods(let methods) = routes.find(plugin: "a.x", method: "POST", path: ["a", "b"])
        else {
            Issue.record("no other method")
            return
        }
        #expect(methods == ["PUT"])
        for isWhole in [false, true] {
            if isWhole { routes.noteWhole() }
            switch routes.find(plugin: "a.y", method: "GET", path: ["report", "12"]) {
            case .notYet: #expect(!isWhole)
            case .nothing: #expect(isWhole)
            default: Issue.record("something was found")
            }
        }
    }

    @Test func `a newer endpoint answers in the place of an older one until it goes`() async throws {
        let routes = RouteTable()
        let old = routes.add(try route(.get, "/a", status: 201), plugin: "a.x")
        let new = routes.add(try route(.get, "/a", status: 202), plugin: "a.x")
        #expect(try await answer(routes, "GET", ["a"])?.status == 202)
        routes.remove(new, plugin: "a.x")
        #expect(try await answer(routes, "GET", ["a"])?.status == 201)
        routes.remove(old, plugin: "a.x")
        #expect(try await answer(routes, "GET", ["a"]) == nil)
    }

    @Test func `a manifest that names what is no endpoint is refused at its line`() {
        let text = """
            {"id": "a.x", "version": "1.0.0", "api": 1, "permissions": {"routes": ["GET /a", "FETCH /b"]}}
            """
        #expect(throws: ManifestError.self) { try PluginManifest.parse(Array(text.utf8)) }
        let good = text.replacing("FETCH", with: "PUT")
        let permissions = try? PluginManifest.parse(Array(good.utf8)).permissions
        #expect(permissions?.grants(.named("routes", "PUT /b")) == true)
        #expect(permissions?.grants(.named("routes", "GET /b")) == false)
        #expect(permissions?.texts == ["routes: GET /a, PUT /b"])
    }
}
