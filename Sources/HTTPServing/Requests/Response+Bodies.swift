package import HTTPTypes
package import Hummingbird
import NIOCore
package import Portable

extension Response {
    /// An answer whose body is `value` as JSON.
    /// - Throws: ``PortableError`` if the value cannot be JSON.
    package static func json(
        _ value: PortableValue, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
    ) throws -> Response {
        let body = ByteBuffer(bytes: try JSON.encode(value))
        return make(status, "application/json;charset=UTF-8", body: body, headers: headers)
    }

    /// An answer whose body is a text for people or programs.
    package static func text(
        _ text: String, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
    ) -> Response {
        make(status, "text/plain; charset=utf-8", body: ByteBuffer(string: text), headers: headers)
    }

    /// An answer that says all with its status: 204.
    package static var noContent: Response { Response(status: .noContent) }

    private static func make(
        _ status: HTTPResponse.Status, _ type: String, body: ByteBuffer, headers: HTTPFields
    ) -> Response {
        var fields = headers
        fields[.contentType] = type
        return Response(status: status, headers: fields, body: ResponseBody(byteBuffer: body))
    }
}
