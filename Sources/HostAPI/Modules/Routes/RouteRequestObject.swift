import Logging
import PluginHost
import Portable

/// What a request in Lua code's hands stands for.
final class RouteRequestObject: HostObject {
    private let request: RouteRequest

    init(_ request: RouteRequest) { self.request = request }

    static func fields(_ request: RouteRequest, _ facts: RouteFacts) -> [String: PortableValue] {
        var fields: [String: PortableValue] = [
            "method": .string(request.method), "path": .string(request.path), "id": .string(request.id),
            "parameters": .map(request.parameters.mapValues { .string($0) }),
            "query": .map(request.query.mapValues { .string($0) }),
        ]
        if !request.body.isNull { fields["body"] = request.body }
        return fields.merging(facts) { own, _ in own }
    }

    static let declaration = HostClass(
        "RouteRequest", summary: "A request for an endpoint. It ends with the function that answers it.",
        fields: [
            HostField("method", .string, "`GET`, `POST`, `PUT`, `DELETE` or `HEAD`."),
            HostField("path", .string, "The path below the plugin's own."),
            HostField("parameters", .table, "What stands in the path for names in braces, by name."),
            HostField("query", .table, "The query's fields by name; of several with a name the first."),
            HostField("body", .value, "The body's JSON.", isOptional: true),
            HostField("id", .string, "The request's id, as the server's log has it."),
            HostField("user", .record("User"), "Who asks; `nil` for callers without one.", isOptional: true),
            HostField(
                "repository", .record("Repository"), "The one that `{repository}` names.", isOptional: true),
        ],
        methods: [
            HostFunction(
                "header", summary: "Gives a field of the request's header.",
                parameters: [HostParameter("name", .string, "The field's name, without regard to case.")],
                results: [
                    HostResult(
                        "value", .string,
                        "`nil` when it is absent; so are `Authorization`, `Cookie` and their like.",
                        isOptional: true)
                ],
                permission: .some(of: "routes"),
                example: """
                    perigee.routes.post("/hook", { permission = "ANYBODY" }, function(request)
                      perigee.log.info("hook", { kind = request:header("X-Event-Key") })
                    end)
                    """,
                body: .quick { call in
                    let object: RouteRequestObject = try call.object()
                    call.give(object.request.header(call.string(0)))
                })
        ])
}

/// The answer of an endpoint's function, read.
enum RouteReply {
    private static let fields: Set<String> = ["status", "json", "text"]

    /// - Throws: ``PluginCallError/failed(outcome:text:)`` for what is no answer; the plugin's log says why.
    static func read(_ value: PortableValue, _ title: String, _ plugin: PluginContext) throws -> RouteAnswer {
        do {
            return try read(value)
        } catch {
            plugin.log.write(.error, "\(title) returned what is no answer: \(error)")
            throw PluginCallError.failed(outcome: "misuse", text: "\(error)")
        }
    }

    private static func read(_ value: PortableValue) throws -> RouteAnswer {
        if value.isNull { return RouteAnswer(status: 204, body: .none) }
        guard let map = value.mapValue ?? (value.listValue?.isEmpty == true ? [:] : nil) else {
            throw HostFailure.misuse("a table with status, json or text is expected")
        }
        if let key = map.keys.sorted().first(where: { !fields.contains($0) }) {
            throw HostFailure.misuse("unknown field '\(key.cut(toBytes: 40))'; known are json, status, text")
        }
        let status = map["status"].map { $0.integerValue ?? 0 } ?? 200
        guard (200...599).contains(status), map["json"] == nil || map["text"] == nil else {
            throw HostFailure.misuse("status: 200 to 599 is expected, and json or text, not both")
        }
        let body: RouteAnswer.Body
        if let json = map["json"] {
            body = .json(try JSON.encode(json))
        } else if let text = map["text"] {
            guard let text = text.stringValue else { throw HostFailure.misuse("text: a string is expected") }
            body = .text(text)
        } else {
            body = .none
        }
        if [204, 205, 304].contains(status), body != .none {
            throw HostFailure.misuse("status \(status) has neither json nor text")
        }
        let size: Int =
            switch body {
            case .none: 0
            case .json(let bytes): bytes.count
            case .text(let text): text.utf8.count
            }
        guard size <= RouteAnswer.bytesMax else {
            throw HostFailure.misuse("\(size) bytes are more than 1 MiB")
        }
        return RouteAnswer(status: Int(status), body: body)
    }
}
