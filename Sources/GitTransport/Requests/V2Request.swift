import GitStore
import NIOCore
import Portable

/// A request of protocol v2, read from its packets: a command, and its arguments as lines.
/// - Source: gitprotocol-v2(5), "Command Request".
enum V2Request {
    /// How long a request that this process answers may be, in bytes.
    static let bytesMax = 1024 * 1024

    /// Whether the packets begin a request of this command.
    private static func begins(_ packets: [PktLine], command: String) -> Bool {
        guard case .data(let payload)? = packets.first else { return false }
        return line(payload) == "command=\(command)"
    }

    /// Whether enough has been read to know what to do: a whole request of a command that this process may
    /// answer, or the beginning of another.
    static func isEnough(_ packets: [PktLine]) -> Bool {
        packets.last == .flush
            || ![LsRefsCommand.name, CloneCommand.name].contains { begins(packets, command: $0) }
    }

    /// The arguments of a whole request of this command.
    /// - Returns: nil for anything that git should answer, or refuse, itself.
    static func arguments(of packets: [PktLine], command: String) -> [String]? {
        guard begins(packets, command: command), packets.last == .flush else { return nil }
        var arguments: [String] = []
        var isInArguments = false
        for packet in packets.dropFirst().dropLast() {
            switch packet {
            case .delimiter where !isInArguments: isInArguments = true
            case .data(let payload):
                guard let text = line(payload) else { return nil }
                if isInArguments {
                    arguments.append(text)
                } else if !text.hasPrefix("agent="), text != "object-format=sha1" {
                    return nil
                }
            default: return nil
            }
        }
        return arguments
    }

    private static func line(_ payload: ByteBuffer) -> String? {
        var bytes = payload.readableBytesView
        if bytes.last == UInt8(ascii: "\n") { bytes = bytes.dropLast() }
        return String(validating: bytes, as: UTF8.self).flatMap { $0.isStreamSafe ? $0 : nil }
    }
}
