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

    init(_ address: sockaddr_in6) {
        var storage = sockaddr_storage()
        withUnsafeMutableBytes(of: &storage) { $0.storeBytes(of: address, as: sockaddr_in6.self) }
        self.init(storage)
    }

    init(_ storage: sockaddr_storage) {
        var storage = storage
        (text, port) = withUnsafeBytes(of: &storage) { bytes in
            switch CInt(bytes.load(as: sockaddr.self).sa_family) {
            case AF_INET:
                let port = bytes.load(as: sockaddr_in.self).sin_port
                let offset = MemoryLayout<sockaddr_in>.offset(of: \.sin_addr) ?? 4
                return (Self.text(AF_INET, bytes.baseAddress?.advanced(by: offset)), UInt16(bigEndian: port))
            case AF_INET6:
                let port = bytes.load(as: sockaddr_in6.self).sin6_port
                let offset = MemoryLayout<sockaddr_in6>.offset(of: \.sin6_addr) ?? 8
                let text = Self.text(AF_INET6, bytes.baseAddress?.advanced(by: offset))
                // A client of IPv4 at a socket of IPv6: one address, whichever way it came in.
                let plain = text.hasPrefix("::ffff:") ? String(text.dropFirst(7)) : text
                return (plain, UInt16(bigEndian: port))
            default: return ("", 0)
            }
        }
    }

    private static func text(_ family: CInt, _ address: UnsafeRawPointer?) -> String {
        var buffer = [CChar](repeating: 0, count: 64)
        guard let address, inet_ntop(family, address, &buffer, 64) != nil else { return "" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
