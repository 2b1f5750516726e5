import Glibc

/// Whether somebody has asked this process to stop, by SIGINT or SIGTERM.
///
/// The signals are blocked in the thread that makes it, and stay pending.
struct StopRequest: ~Copyable {
    init() {
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGINT)
        sigaddset(&signals, SIGTERM)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
    }

    /// Whether a signal has come. It stays so.
    var isRequested: Bool {
        var pending = sigset_t()
        sigpending(&pending)
        return sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1
    }

    /// Waits as long as it says.
    func wait(milliseconds: CInt) { _ = poll(nil, 0, milliseconds) }
}

/// A port of 127.0.0.1 that nobody uses at the moment.
enum FreePort {
    static func find() throws(DevelopmentError) -> Int {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw failure }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let outcome = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(descriptor, generic, length) == 0 && getsockname(descriptor, generic, &length) == 0
            }
        }
        guard outcome else { throw failure }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    private static var failure: DevelopmentError {
        .file(path: "a port of 127.0.0.1", reason: String(cString: strerror(errno)))
    }
}
