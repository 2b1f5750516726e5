import HTTPServing
import HTTPTypes
import Hosting
import Hummingbird
import Portable

/// `.../raw/{path}`: a file's bytes, streamed, and never as a page that a browser would run.
struct RawRoutes {
    let hosting: Hosting

    func add(to group: RouterGroup<ServingContext>) {
        group.answer(.get, RouterPath(ResourcePath.repository + "/raw/**")) { request in
            let repository = try await request.repository(of: hosting)
            let path = try request.rest("path")
            let file = try await hosting.contents.raw(
                path, at: request.query.filledText("at"), in: repository)
            return Self.answer(file, name: path.split(separator: "/").last.map(String.init) ?? "file")
        }
    }

    private static func answer(_ file: RawFile, name: String) -> Answer {
        var headers: HTTPFields = [.contentSecurityPolicy: "default-src 'none'; sandbox"]
        if file.isBinary {
            headers[.contentType] = "application/octet-stream"
            headers[.contentDisposition] = AttachmentName.disposition(name)
        } else {
            headers[.contentType] = "text/plain;charset=UTF-8"
        }
        let chunks = file.chunks
        let body = ResponseBody(contentLength: Int(clamping: file.size)) { writer in
            for try await chunk in chunks { try await writer.write(chunk) }
            try await writer.finish(nil)
        }
        return Answer(status: .ok, headers: headers, body: body)
    }
}

/// A file's name in a `Content-Disposition` header.
enum AttachmentName {
    /// - Source: RFC 6266, "Use of the Content-Disposition Header Field in HTTP"; RFC 8187 for `filename*`.
    static func disposition(_ name: String) -> String {
        let plain = name.unicodeScalars.map { scalar -> Character in
            let isQuotable = scalar.value > 31 && scalar.value < 127 && scalar != "\"" && scalar != "\\"
            return isQuotable ? Character(scalar) : "_"
        }
        let digits = Array("0123456789ABCDEF")
        let encoded = name.utf8.map { byte -> String in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"),
                UInt8(ascii: "_"):
                String(UnicodeScalar(byte))
            default: "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
            }
        }
        return "attachment; filename=\"\(String(plain))\"; filename*=UTF-8''\(encoded.joined())"
    }
}
