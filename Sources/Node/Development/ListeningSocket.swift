import Glibc

/// A port of 127.0.0.1 that is this process' from the start, and is handed to the program that serves it:
/// nobody can take it in between.
final class ListeningSocket {
    /// For the program that serves it.
    let descriptor: CInt
    /// Which port.
    let port: Int

    /// - Parameter wanted: 0 lets the system choose.
    /// - Throws: ``DevelopmentError/portTaken(_:reason:)``.
    init(port wanted: Int) throws(DevelopmentError) {
        let reason = { String(cString: strerror(errno)) }
        let made = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard made >= 0 else { throw .portTaken(wanted, reason: reason()) }
        defer { close(made) }
        var isReused: CInt = 1
        setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &isReused, socklen_t(MemoryLayout<CInt>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(clamping: wanted).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(made, generic, length) == 0 && listen(made, 1024) == 0
                    && getsockname(made, generic, &length) == 0
            }
        }
        guard isListening else { throw .portTaken(wanted, reason: reason()) }
        // Above all that a program is handed.
        descriptor = fcntl(made, F_DUPFD_CLOEXEC, 100)
        guard descriptor >= 0 else { throw .portTaken(wanted, reason: reason()) }
        port = Int(UInt16(bigEndian: address.sin_port))
    }

    deinit { close(descriptor) }
}
