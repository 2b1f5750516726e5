import Hosting
import PluginHost
import Portable

/// `perigee.routes`: endpoints of a plugin's own, below `/plugins/<id>`.
enum RoutesModule {
    static func module(_ services: HostServices) -> HostModule {
        HostModule(
            "routes", summary: "Answers HTTP requests below `/plugins/<id>` with JSON.",
            notes: notes,
            records: [Records.user, Records.repository, Records.project, answer],
            functions: [
                function(
                    "get", .get, services, "Answers GET, and HEAD with the same but no body.",
                    """
                    perigee.routes.get("/report/{repository}", { permission = "REPO_READ" }, function(request)
                      local report = perigee.kv.get("report/" .. request.repository.id)
                      if not report then return { status = 404, json = { message = "no report yet" } } end
                      return { json = report }
                    end)
                    """),
                function(
                    "post", .post, services, "Answers POST.",
                    """
                    perigee.routes.post("/rebuild/{repository}", { permission = "REPO_ADMIN" },
                      function(request)
                        perigee.log.info("rebuild wanted", { repository = request.repository.id })
                        return { status = 202 }
                      end)
                    """),
                function(
                    "put", .put, services, "Answers PUT.",
                    """
                    perigee.routes.put("/note/{name}", { permission = "ADMIN", max_body = "4KiB" },
                      function(request)
                        perigee.kv.put("note/" .. request.parameters.name, request.body)
                      end)
                    """),
                function(
                    "delete", .delete, services, "Answers DELETE.",
                    """
                    perigee.routes.delete("/note/{name}", { permission = "ADMIN" }, function(request)
                      perigee.kv.delete("note/" .. request.parameters.name)
                    end)
                    """),
            ],
            classes: [RouteRequestObject.declaration])
    }

    private static let notes = """
        The manifest names the endpoints: `"routes": ["GET /report/{repository}"]` lets the plugin
        `com.example.report` answer `GET /plugins/com.example.report/report/12`. A name in braces
        stands for one part of the path, which is in `request.parameters`. `{repository}` is special:
        it takes a repository's id, and `request.repository` is that repository. Where several paths
        fit a request, one with a word in a place is preferred to one with a name.

        Callers prove who they are as for the REST API. Each endpoint says what they need:
        `REPO_READ`, `REPO_WRITE` and `REPO_ADMIN` are about `{repository}`, and a repository that the
        caller may not read is answered with 404, as if there were none; `LICENSED_USER`, `ADMIN` and
        `SYS_ADMIN` are about the whole server; `ANYBODY` lets in callers who have not logged in.

        The function gets a `perigee.RouteRequest` and returns a table: `status` (200 unless said
        otherwise), and `json`, any plain data, or `text`; nothing at all is 204. A function that
        raises is answered with 500, and its error is in the plugin's log alone. Bodies are JSON; one
        that is too large, or no JSON, is refused before the function runs. An answer has at most
        1 MiB. A plugin answers at most \(RouteTable.runningMax) requests at the same time on a
        node; further ones get 503.

        Every node of a cluster answers, and no two requests need reach the same one: what is to last
        from one to the next belongs in `perigee.kv`.
        """

    private static let answer = HostRecord(
        "RouteAnswer", "What an endpoint's function returns.",
        [
            HostField("status", .integer, "200 to 599 (default: 200).", isOptional: true),
            HostField("json", .value, "What is sent as JSON.", isOptional: true),
            HostField("text", .string, "What is sent as plain text, in its place.", isOptional: true),
        ])

    private static let options: HostType = .options(
        "RouteOptions",
        [
            HostField(
                "permission", .choice(RouteAdmission.names), "What callers need."),
            HostField(
                "max_body", .string, "The largest body (default `256KiB`; at most `1MiB`).",
                isOptional: true),
            HostField(
                "timeout", .string,
                "How long the function may take, waiting included (default `30s`; at most `5m`).",
                isOptional: true),
        ])

    private static let signature: HostType = .function(
        "fun(request: perigee.RouteRequest): perigee.RouteAnswer?")

    private static func function(
        _ name: String, _ method: PluginRoute.Method, _ services: HostServices, _ summary: String,
        _ example: String
    ) -> HostFunction {
        HostFunction(
            name, summary: summary,
            parameters: [
                HostParameter("path", .string, "Below the plugin's own, such as `/report/{repository}`."),
                HostParameter("options", options, "Who may ask, and how much."),
                HostParameter("handler", signature, "Answers; may wait."),
            ],
            permission: .some(of: "routes"), phase: .registration, example: example,
            body: .immediate { call in
                try register(call, method, services)
                return []
            })
    }

    private static func register(
        _ call: HostCall, _ method: PluginRoute.Method, _ services: HostServices
    ) throws {
        let text = call.string(0)
        guard let pattern = RoutePattern(text) else {
            return try call.require(
                false, argument: 0, "path",
                "a path such as '/report/{repository}' expected, got '\(text.cut(toBytes: 80))'")
        }
        let title = "\(method.rawValue) \(text)"
        try call.require(.named("routes", title))
        let options = call.options(1)
        let admission = try RouteAdmission(call, options, pattern, services)
        let body = try bodyLimit(call, options)
        let timeout = try time(call, options)
        let callback = try call.callback(2)
        let plugin = call.plugin
        let route = PluginRoute(
            method, pattern, bodyBytesMax: method == .get ? 0 : body,
            admit: { try await admission.admit($0, $1) },
            answer: { request, facts in
                let object = RouteRequestObject(request)
                let handle = try plugin.handle(
                    object, as: "RouteRequest", fields: RouteRequestObject.fields(request, facts))
                let results = try await plugin.call(callback, handle: handle, kind: "route", wait: timeout)
                return try RouteReply.read(results.first ?? .null, title, plugin)
            })
        try plugin.offer("routes \(title)") {
            let routes = try services.require(\.routes)
            let number = routes.add(route, plugin: plugin.id)
            return { routes.remove(number, plugin: plugin.id) }
        }
    }

    private static func bodyLimit(_ call: HostCall, _ options: PortableValue) throws -> Int {
        guard let text = options["max_body"]?.stringValue else { return 256 * 1024 }
        guard let bytes = SizeText.bytes(text), (0...1024 * 1024).contains(bytes) else {
            try call.require(
                false, argument: 1, "options",
                "max_body: a size up to 1MiB expected, got '\(text.cut(toBytes: 40))'")
            return 0
        }
        return Int(bytes)
    }

    private static func time(_ call: HostCall, _ options: PortableValue) throws -> Duration {
        guard let text = options["timeout"]?.stringValue else { return .seconds(30) }
        guard let milliseconds = DurationText.milliseconds(text), (1...300_000).contains(milliseconds) else {
            try call.require(
                false, argument: 1, "options",
                "timeout: a duration up to 5m expected, got '\(text.cut(toBytes: 40))'")
            return .zero
        }
        return .milliseconds(milliseconds)
    }
}
