import HTTPTypes
package import Hummingbird
import NIOCore
package import Portable

extension Request {
    /// How large a JSON body may be, in bytes.
    package static var jsonBytesMax: Int { 1024 * 1024 }

    /// Reads the body as JSON.
    /// - Parameter limit: In bytes.
    /// - Returns: ``PortableValue/null`` when there is no body at all.
    /// - Throws: ``RequestError`` with 415 for another content type, 413 above the limit, 400 for what is
    ///   not JSON.
    package func jsonBody(upTo limit: Int = Request.jsonBytesMax) async throws -> PortableValue {
        let announced = headers[.contentType]
        if announced != nil || headers[.contentLength].flatMap({ Int($0) }).map({ $0 > 0 }) == true {
            try requireJSON(announced)
        }
        let bytes = try await collectedBody(upTo: limit)
        if bytes.readableBytes == 0 { return .null }
        try requireJSON(announced)
        do {
            return try JSON.decode(Array(bytes.readableBytesView))
        } catch {
            throw RequestError(
                .badRequest, "The request body is not JSON: \(error). Correct it and send it again.")
        }
    }

    /// Reads the whole body into memory.
    /// - Parameter limit: In bytes.
    /// - Throws: ``RequestError`` with 413 above the limit.
    package func collectedBody(upTo limit: Int) async throws -> ByteBuffer {
        if let announced = headers[.contentLength].flatMap({ Int($0) }), announced > limit {
            throw Self.tooLarge(limit: limit)
        }
        var collected = ByteBuffer()
        for try await var part in body {
            guard collected.readableBytes + part.readableBytes <= limit else {
                throw Self.tooLarge(limit: limit)
            }
            if collected.readableBytes == 0 { collected = part } else { collected.writeBuffer(&part) }
        }
        return collected
    }

    private func requireJSON(_ contentType: String?) throws {
        let type = contentType?.split(separator: ";").first?.trimmingSpaces().lowercased() ?? ""
        if type == "application/json" || (type.hasPrefix("application/") && type.hasSuffix("+json")) {
            return
        }
        throw RequestError(
            .unsupportedMediaType,
            type.isEmpty
                ? "The request body has no Content-Type. Send it as application/json."
                : "The content type \"\(type.prefix(100))\" is not understood here. Send application/json.")
    }

    private static func tooLarge(limit: Int) -> RequestError {
        RequestError(.contentTooLarge, "The request body exceeds \(limit) bytes. Send less.")
    }
}

extension Substring {
    /// Without spaces and tabs at both ends.
    func trimmingSpaces() -> Substring {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        let start = drop(while: isSpace)
        guard let last = start.lastIndex(where: { !isSpace($0) }) else { return start.prefix(0) }
        return start[...last]
    }
}
