import Foundation
import NodeTestKit

/// Requests in git's wire format, for what no git client would send.
enum GitHTTPWire {
    /// The id that stands for "no object".
    static let zero = String(repeating: "0", count: 40)

    /// One packet that holds the text.
    static func packet(_ text: String) -> String {
        let length = String(text.utf8.count + 4, radix: 16)
        return String(repeating: "0", count: 4 - length.count) + length + text
    }

    /// A complete `ls-refs` of protocol version 2.
    static let lsRefs = Data(
        (packet("command=ls-refs\n") + packet("object-format=sha1") + "0001" + packet("peel\n")
            + packet("ref-prefix refs/heads/\n") + "0000").utf8)

    /// The headers of a request to a service.
    static func headers(_ service: String, version: Int = 2) -> [String: String] {
        var fields = ["Content-Type": "application/x-\(service)-request"]
        if version > 0 { fields["Git-Protocol"] = "version=\(version)" }
        return fields
    }

    /// The head of a chunked request by the administrator.
    static func chunkedHead(_ node: RunningNode, _ path: String, service: String, version: Int = 2) -> String
    {
        let credentials = Data("\(RunningNode.administrator):\(RunningNode.administratorPassword)".utf8)
        return
            "POST \(path) HTTP/1.1\r\nHost: x\r\n"
            + "Authorization: Basic \(credentials.base64EncodedString())\r\n"
            + "Content-Type: application/x-\(service)-request\r\nTransfer-Encoding: chunked\r\n"
            + (version > 0 ? "Git-Protocol: version=\(version)\r\n" : "") + "\r\n"
    }

    /// One chunk of a chunked body.
    static func chunk(_ bytes: Data) -> Data {
        Data("\(String(bytes.count, radix: 16))\r\n".utf8) + bytes + Data("\r\n".utf8)
    }
}
