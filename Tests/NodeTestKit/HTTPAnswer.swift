package import Foundation
package import Portable

/// A complete HTTP answer.
package struct HTTPAnswer: Sendable {
    /// The status code, such as 200.
    package var status: Int
    /// Header fields in the order they came; ask by ``header(_:)``.
    package var headers: [(name: String, value: String)]
    /// The body, with any chunking undone.
    package var bytes: Data

    /// The body as text.
    package var text: String { String(decoding: bytes, as: UTF8.self) }

    /// The first header field of that name, in any case.
    package func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    /// The body as JSON.
    /// - Throws: When it is not JSON.
    package func json() throws -> PortableValue {
        try JSON.decode(Array(bytes))
    }
}

extension HTTPAnswer {
    /// Takes an answer apart that was read until the connection's end.
    /// - Parameter hasBody: False for the answer to a HEAD request.
    /// - Throws: ``TestKitError/protocolViolation(_:)`` when it is not HTTP/1.1, or is cut short.
    package init(parsing raw: Data, hasBody: Bool = true) throws {
        guard let head = raw.range(of: Data("\r\n\r\n".utf8)) else {
            throw TestKitError.protocolViolation("no complete HTTP head in \(raw.count) bytes")
        }
        let lines = String(decoding: raw[raw.startIndex..<head.lowerBound], as: UTF8.self)
            .components(separatedBy: "\r\n")
        let parts = lines[0].split(separator: " ")
        guard parts.count >= 2, parts[0].hasPrefix("HTTP/1."), let status = Int(parts[1]) else {
            throw TestKitError.protocolViolation("not an HTTP status line: \(lines[0])")
        }
        let rest = raw[head.upperBound...]
        if status == 100 {
            self = try HTTPAnswer(parsing: Data(rest), hasBody: hasBody)
            return
        }
        self.status = status
        headers = lines.dropFirst().map { line in
            let colon = line.firstIndex(of: ":") ?? line.endIndex
            let value = line[colon...].dropFirst().trimmingCharacters(in: .whitespaces)
            return (name: String(line[..<colon]), value: value)
        }
        bytes = Data(rest)
        if !hasBody { return }
        if header("Transfer-Encoding")?.lowercased() == "chunked" {
            bytes = try Self.unchunked(bytes)
        } else if let length = header("Content-Length").flatMap({ Int($0) }) {
            guard bytes.count >= length else {
                throw TestKitError.protocolViolation("body cut short: \(bytes.count) of \(length) bytes")
            }
            bytes = Data(bytes.prefix(length))
        }
    }

    private static func unchunked(_ body: Data) throws -> Data {
        var rest = body[...]
        var plain = Data()
        while let line = rest.range(of: Data("\r\n".utf8)) {
            let text = String(decoding: rest[rest.startIndex..<line.lowerBound], as: UTF8.self)
            guard let size = Int(text.prefix { $0 != ";" }, radix: 16) else { break }
            if size == 0 { return plain }
            let chunk = rest[line.upperBound...].prefix(size)
            guard chunk.count == size else { break }
            plain.append(chunk)
            rest = rest[line.upperBound...].dropFirst(size + 2)
        }
        throw TestKitError.protocolViolation("chunked body cut short after \(plain.count) bytes")
    }
}
