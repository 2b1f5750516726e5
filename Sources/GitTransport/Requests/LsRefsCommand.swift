import GitStore
import NIOCore

/// Protocol v2's `ls-refs`, read from its packets.
/// - Source: gitprotocol-v2(5), "ls-refs".
enum LsRefsCommand {
    /// How long such a request may be, in bytes; git itself falls back to no prefixes above 65,536.
    static let bytesMax = 1024 * 1024

    /// Whether the packets begin a request of this command.
    static func begins(_ packets: [PktLine]) -> Bool {
        guard case .data(let payload)? = packets.first else { return false }
        return line(payload) == "command=ls-refs"
    }

    /// The request that the packets make up.
    /// - Returns: nil for anything that git should answer, or refuse, itself.
    static func parse(_ packets: [PktLine]) -> LsRefsRequest? {
        guard begins(packets), packets.last == .flush else { return nil }
        var request = LsRefsRequest()
        var isInArguments = false
        for packet in packets.dropFirst().dropLast() {
            switch packet {
            case .delimiter where !isInArguments: isInArguments = true
            case .data(let payload):
                guard let text = line(payload), accept(text, isInArguments, &request) else { return nil }
            default: return nil
            }
        }
        return request
    }

    private static func accept(_ text: String, _ isInArguments: Bool, _ request: inout LsRefsRequest) -> Bool
    {
        guard isInArguments else { return text.hasPrefix("agent=") || text == "object-format=sha1" }
        switch text {
        case "peel": request.peel = true
        case "symrefs": request.symrefs = true
        case "unborn": request.unborn = true
        default:
            guard text.hasPrefix("ref-prefix ") else { return false }
            request.prefixes.append(String(text.dropFirst("ref-prefix ".count)))
        }
        return true
    }

    private static func line(_ payload: ByteBuffer) -> String? {
        var bytes = payload.readableBytesView
        if bytes.last == UInt8(ascii: "\n") { bytes = bytes.dropLast() }
        return String(validating: bytes, as: UTF8.self)
    }
}
