import HTTPTypes
import Hosting
import Hummingbird
import NIOCore
import Portable

/// What a REST call answers: a status and, mostly, a JSON value.
struct Answer: ResponseGenerator {
    let status: HTTPResponse.Status
    var headers: HTTPFields = [:]
    let body: ResponseBody

    /// - Throws: ``PortableError`` when the value cannot be written as JSON.
    static func json(_ value: PortableValue, status: HTTPResponse.Status = .ok) throws -> Answer {
        let bytes = try JSON.encode(value)
        return Answer(
            status: status, headers: [.contentType: "application/json;charset=UTF-8"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    /// 204, the answer of writes that have nothing to show.
    static let noContent = Answer(status: .noContent, body: ResponseBody())

    /// 200 without a body, the original's answer to membership changes.
    static let done = Answer(status: .ok, body: ResponseBody())

    /// A page in the original's shape, its values made by `shape`.
    static func page<Value>(_ page: Page<Value>, shape: (Value) throws -> PortableValue) throws -> Answer {
        try json(.map(pageFields(page, shape: shape)))
    }

    /// The fields of a page: `size` is the number of values in it, `nextPageStart` null on the last one.
    static func pageFields<Value>(
        _ page: Page<Value>, shape: (Value) throws -> PortableValue
    ) rethrows -> [String: PortableValue] {
        [
            "size": .integer(Int64(page.values.count)),
            "limit": .integer(Int64(page.limit)),
            "isLastPage": .bool(page.isLastPage),
            "start": .integer(Int64(page.start)),
            "nextPageStart": page.nextStart.map { .integer(Int64($0)) } ?? .null,
            "values": .list(try page.values.map(shape)),
        ]
    }

    func response(from request: Request, context: some RequestContext) throws -> Response {
        var headers = headers
        if headers[.cacheControl] == nil { headers[.cacheControl] = "no-cache, no-transform" }
        headers[.xContentTypeOptions] = "nosniff"
        return Response(status: status, headers: headers, body: body)
    }
}
