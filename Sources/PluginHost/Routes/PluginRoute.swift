package import Portable

/// An endpoint of a plugin: which requests it is for, who may make them, and what answers.
package struct PluginRoute: Sendable {
    /// What a request may ask for; HEAD is answered as GET is.
    package enum Method: String, Sendable, CaseIterable {
        case get = "GET"
        case post = "POST"
        case put = "PUT"
        case delete = "DELETE"
    }

    /// Which requests.
    package let method: Method
    /// Which path below the plugin's own.
    package let pattern: RoutePattern
    /// The largest body, in bytes; 0 for none.
    package let bodyBytesMax: Int
    /// Lets a caller in, or throws what the door shows. Asked before a body is read.
    ///
    /// Gets the caller as the door knows them, and the parameters of the path; gives what the request shows
    /// of both.
    package let admit: @Sendable (_ caller: any Sendable, [String: String]) async throws -> RouteFacts
    /// Answers; throws ``PluginCallError``.
    package let answer: @Sendable (RouteRequest, RouteFacts) async throws -> RouteAnswer

    /// Declares an endpoint.
    package init(
        _ method: Method, _ pattern: RoutePattern, bodyBytesMax: Int,
        admit: @escaping @Sendable (_ caller: any Sendable, [String: String]) async throws -> RouteFacts,
        answer: @escaping @Sendable (RouteRequest, RouteFacts) async throws -> RouteAnswer
    ) {
        self.method = method
        self.pattern = pattern
        self.bodyBytesMax = bodyBytesMax
        self.admit = admit
        self.answer = answer
    }
}

/// What a request shows of its caller and of what it is about, by field.
package typealias RouteFacts = [String: PortableValue]

/// A request for a plugin's endpoint.
package struct RouteRequest: Sendable {
    /// `GET` and so on.
    package let method: String
    /// The path below the plugin's own.
    package let path: String
    /// What stands in the path in the place of names in braces.
    package let parameters: [String: String]
    /// The first value of each field of the query.
    package let query: [String: String]
    /// The body's JSON; null when there is none.
    package let body: PortableValue
    /// The request's id in logs.
    package let id: String
    /// A header field's value; `nil` when it is absent, or holds what proves who the caller is.
    package let header: @Sendable (_ name: String) -> String?

    /// Names all of it.
    package init(
        method: String, path: String, parameters: [String: String], query: [String: String],
        body: PortableValue, id: String, header: @escaping @Sendable (_ name: String) -> String?
    ) {
        self.method = method
        self.path = path
        self.parameters = parameters
        self.query = query
        self.body = body
        self.id = id
        self.header = header
    }
}

/// What a plugin answers.
package struct RouteAnswer: Sendable, Hashable {
    /// What is sent.
    package enum Body: Sendable, Hashable {
        case none
        /// JSON, encoded.
        case json([UInt8])
        case text(String)
    }

    /// 200 to 599.
    package let status: Int
    /// What is sent; at most ``bytesMax``.
    package let body: Body

    /// The largest body of an answer, in bytes.
    package static let bytesMax = 1024 * 1024

    /// Names both.
    package init(status: Int, body: Body) {
        self.status = status
        self.body = body
    }
}

/// Why a caller is not let in to a plugin's endpoint, other than for want of a permission.
package enum RouteRefusal: Error, Sendable, Hashable {
    /// There is nothing, or nothing that the caller may know of; with a sentence.
    case nothingThere(String)
}
