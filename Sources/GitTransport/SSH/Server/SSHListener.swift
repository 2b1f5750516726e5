import CSSH
import Glibc

/// The socket that clients connect to.
final class SSHListener: Sendable {
    let descriptor: CInt
    /// The port that it is bound to.
    let port: Int

    /// Binds and listens.
    /// - Parameter address: A name, an IPv4 or an IPv6 address.
    /// - Throws: ``SSHDoorError/listen(address:port:reason:)``.
    init(address: String, port: Int) throws(SSHDoorError) {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
        let host =
            address.hasPrefix("[") && address.hasSuffix("]")
            ? String(address.dropFirst().dropLast()) : address
        var found: UnsafeMutablePointer<addrinfo>?
        let outcome = getaddrinfo(host.isEmpty ? nil : host, String(port), &hints, &found)
        guard outcome == 0, let found else {
            throw .listen(address: address, port: port, reason: String(cString: gai_strerror(outcome)))
        }
        defer { freeaddrinfo(found) }
        let facts = found.pointee
        let flags = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let descriptor = socket(facts.ai_family, flags, 0)
        self.descriptor = descriptor
        guard descriptor >= 0 else { throw Self.problem(address, port) }
        var on: CInt = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<CInt>.size))
        var bound = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let isNamed = withUnsafeMutablePointer(to: &bound) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { name in
                bind(descriptor, facts.ai_addr, facts.ai_addrlen) == 0 && listen(descriptor, 1024) == 0
                    && getsockname(descriptor, name, &length) == 0
            }
        }
        guard isNamed else {
            let problem = Self.problem(address, port)
            close(descriptor)
            throw problem
        }
        self.port = Int(SSHAddress(bound).port)
    }

    deinit { close(descriptor) }

    /// The next client's socket and address; nil when there is none just now.
    func accept() -> (socket: CInt, address: String)? {
        var peer = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let flags = CInt(SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let socket = withUnsafeMutablePointer(to: &peer) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                accept4(descriptor, $0, &length, flags)
            }
        }
        return socket < 0 ? nil : (socket, SSHAddress(peer).text)
    }

    private static func problem(_ address: String, _ port: Int) -> SSHDoorError {
        .listen(address: address, port: port, reason: String(cString: strerror(errno)))
    }
}

/// An address of the system's, as text and port.
struct SSHAddress {
    let text: String
    let port: UInt16

    /// - Parameter storage: A `sockaddr_in` or `sockaddr_in6`, read as bytes: the family, the port with its
    ///   high byte first, and the address at byte 4 or 8. Which module those types come from depends on what
    ///   else is imported.
    init(_ storage: sockaddr_storage) {
        var storage = storage
        (text, port) = withUnsafeBytes(of: &storage) { bytes in
            let port = UInt16(bytes[2]) << 8 | UInt16(bytes[3])
            switch CInt(bytes.load(as: sa_family_t.self)) {
            case AF_INET: return (Self.text(AF_INET, bytes[4..<8]), port)
            case AF_INET6: return (Self.ipv6Text(bytes[8..<24]), port)
            default: return ("", 0)
            }
        }
    }

    /// An address of IPv6; one of IPv4 that came in at a socket of IPv6 is shown as it is elsewhere.
    /// - Parameter bytes: 16.
    static func ipv6Text(_ bytes: some Collection<UInt8>) -> String {
        let text = text(AF_INET6, bytes)
        return text.hasPrefix("::ffff:") ? String(text.dropFirst(7)) : text
    }

    private static func text(_ family: CInt, _ address: some Collection<UInt8>) -> String {
        var buffer = [CChar](repeating: 0, count: 64)
        guard inet_ntop(family, Array(address), &buffer, 64) != nil else { return "" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
