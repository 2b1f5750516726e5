import HTTPServing
import HTTPTypes
import Hummingbird
import NIOCore
import PluginHost
import Portable

/// `/plugins/{id}/...`: what plugins answer themselves (`perigee.routes`).
struct PluginEndpoints {
    let routes: RouteTable

    func add(to router: Router<ServingContext>) {
        let group = router.group("plugins/:pluginId")
        for method in PluginRoute.Method.allCases {
            guard let name = HTTPRequest.Method(rawValue: method.rawValue) else { continue }
            group.answer(name, "**", answer)
        }
    }

    @Sendable private func answer(_ request: RESTRequest) async throws -> Answer {
        let plugin = try request.path("pluginId")
        let path = try Self.path(of: request)
        let method = request.request.method
        do {
            do {
                return try await find(request, plugin: plugin, path: path)
            } catch PluginCallError.stopped where method == .get || method == .head {
                // A reload came between: the newer state answers.
                return try await find(request, plugin: plugin, path: path)
            }
        } catch let refusal as RouteRefusal {
            switch refusal {
            case .nothingThere(let text): throw RequestError.notFound(text)
            }
        } catch let error as PluginCallError {
            throw Self.failure(error, plugin: plugin, request)
        }
    }

    private func find(_ request: RESTRequest, plugin: String, path: [String]) async throws -> Answer {
        let asked = request.request.method
        let method = asked == .head ? HTTPRequest.Method.get.rawValue : asked.rawValue
        switch routes.find(plugin: plugin, method: method, path: path) {
        case .nothing:
            throw RequestError.notFound("There is nothing at this address. Check the URL.")
        case .notYet:
            throw RequestError(
                .serviceUnavailable, "The node's plugins are starting. Try again in a moment.",
                headers: [.retryAfter: "1"])
        case .otherMethods(let methods):
            let names = (methods + (methods.contains("GET") ? ["HEAD"] : [])).joined(separator: ", ")
            throw RequestError(
                .methodNotAllowed, "\(asked.rawValue) is not for this address. Use \(names).",
                headers: [.allow: names])
        case .route(let route, let parameters):
            let answer = try await routes.running(plugin: plugin) {
                try await self.answer(request, route, path: path, parameters: parameters)
            }
            guard let answer else {
                throw RequestError(
                    .serviceUnavailable, "The plugin \(plugin) has too much to do. Try again in a moment.",
                    headers: [.retryAfter: "1"])
            }
            return answer
        }
    }

    private func answer(
        _ request: RESTRequest, _ route: PluginRoute, path: [String], parameters: [String: String]
    ) async throws -> Answer {
        let facts = try await route.admit(request.principal, parameters)
        let body = route.bodyBytesMax == 0 ? .null : try await body(request, upTo: route.bodyBytesMax)
        let headers = request.request.headers
        let answer = try await route.answer(
            RouteRequest(
                method: request.request.method.rawValue, path: "/" + path.joined(separator: "/"),
                parameters: parameters, query: request.query.firsts, body: body, id: request.context.requestID
            ) { name in
                guard let name = HTTPField.Name(name), !Self.secret.contains(name) else { return nil }
                return headers[name]
            }, facts)
        return Self.answer(answer)
    }

    private func body(_ request: RESTRequest, upTo limit: Int) async throws -> PortableValue {
        let body = try await request.request.jsonBody(upTo: limit)
        do {
            // As deep as Lua code may have it.
            _ = try MessagePack.encode(body, limits: PortableLimits(bytesMax: 4 * limit + 1024))
        } catch {
            throw RequestError.badRequest(nil, "The body is not plain data: \(error).")
        }
        return body
    }

    private static func answer(_ answer: RouteAnswer) -> Answer {
        let status = HTTPResponse.Status(code: answer.status)
        switch answer.body {
        case .none: return Answer(status: status, body: ResponseBody())
        case .json(let bytes):
            return Answer(
                status: status, headers: [.contentType: "application/json;charset=UTF-8"],
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
        case .text(let text):
            return Answer(
                status: status, headers: [.contentType: "text/plain;charset=UTF-8"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
        }
    }

    private static func failure(
        _ error: PluginCallError, plugin: String, _ request: RESTRequest
    ) -> RequestError {
        switch error {
        case .stopped:
            RequestError(
                .serviceUnavailable, "The plugin \(plugin) is being stopped. Try again in a moment.",
                headers: [.retryAfter: "1"])
        case .failed(let outcome, _):
            RequestError(
                outcome == "wait" ? .gatewayTimeout : .internalServerError,
                "The plugin \(plugin) could not answer. Its log says why; the request's id is "
                    + "\(request.context.requestID).")
        }
    }

    /// What proves who a caller is is not for plugins.
    private static let secret: Set<HTTPField.Name> = [.authorization, .cookie, .proxyAuthorization]

    private static func path(of request: RESTRequest) throws -> [String] {
        try request.context.parameters.getCatchAll().map { raw in
            guard let text = PercentDecoding.decode(raw), !text.utf8.contains(0) else {
                throw RequestError.badRequest(
                    "path", "The path has a broken %-escape. Write it as %XX of UTF-8 bytes.")
            }
            return text
        }
    }
}
