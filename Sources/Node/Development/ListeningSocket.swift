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
        // A `sockaddr_in` as bytes, because the type's own module depends on what else is imported: family,
        // port,
        // 127.0.0.1.
        let door = UInt16(clamping: wanted)
        var address: [UInt8] = [UInt8(AF_INET), 0, UInt8(door >> 8), UInt8(door & 0xFF), 127, 0, 0, 1]
        address += Array(repeating: 0, count: 8)
        var length = socklen_t(address.count)
        let isListening = address.withUnsafeMutableBytes { bytes in
            bytes.withMemoryRebound(to: sockaddr.self) { generic in
                bind(made, generic.baseAddress, length) == 0 && listen(made, 1024) == 0
                    && getsockname(made, generic.baseAddress, &length) == 0
            }
        }
        guard isListening else { throw .portTaken(wanted, reason: reason()) }
        // Above all that a program is handed.
        descriptor = fcntl(made, F_DUPFD_CLOEXEC, 100)
        guard descriptor >= 0 else { throw .portTaken(wanted, reason: reason()) }
        port = Int(address[2]) << 8 | Int(address[3])
    }

    deinit { close(descriptor) }
}
