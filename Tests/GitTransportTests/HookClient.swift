import Foundation
import NIOCore
import NodeTestKit

@testable import GitTransport

/// Speaks to a hook socket as `perigee-hook` does, and as it never would.
struct HookClient: Sendable {
    let path: String

    /// Sends the bytes and reads the reply; `nil` when the connection ended without one.
    /// - Parameter finishes: Whether the sending side is closed after the bytes.
    func ask(_ bytes: [UInt8], finishes: Bool = false) async throws -> HookReply? {
        let path = path
        return try await onThread {
            let descriptor = try Self.connect(path)
            defer { close(descriptor) }
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes {
                    send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                // The node may have answered and closed already.
                guard count > 0 else { break }
                rest = rest.dropFirst(count)
            }
            if finishes { shutdown(descriptor, Int32(SHUT_WR)) }
            var reply: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 4096)
            while true {
                let count = recv(descriptor, &buffer, buffer.count, 0)
                guard count > 0 else { break }
                reply += buffer[..<count]
            }
            guard reply.count >= 5 else { return nil }
            return HookReply(exitCode: reply[0], text: String(decoding: reply[5...], as: UTF8.self))
        }
    }

    private static func connect(_ path: String) throws -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw TestKitError.system(call: "socket", code: errno) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Foundation.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard code == 0 else { throw TestKitError.system(call: "connect to \(path)", code: errno) }
        return descriptor
    }
}

extension HookRequest {
    /// The request in the bytes that the hook sends.
    var bytes: [UInt8] {
        var buffer = ByteBuffer(string: "PGH1")
        func field(_ text: String) {
            buffer.writeInteger(UInt32(text.utf8.count))
            buffer.writeString(text)
        }
        for text in [secret, hook, quarantine] { field(text) }
        buffer.writeInteger(UInt32(options.count))
        for option in options { field(option) }
        buffer.writeInteger(UInt32(input.readableBytes))
        buffer.writeImmutableBuffer(input)
        return Array(buffer.readableBytesView)
    }

    /// A hook's request to make one branch.
    static func creating(
        _ ref: String, at id: String, secret: String, hook: String = "pre-receive"
    ) -> HookRequest {
        let zero = String(repeating: "0", count: 40)
        return HookRequest(
            secret: secret, hook: hook, quarantine: "", options: [],
            input: ByteBuffer(string: "\(zero) \(id) \(ref)\n"))
    }
}
