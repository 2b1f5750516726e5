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
        // A `sockaddr_in` as bytes, because the type's own module depends on what else is imported: family,
        // port 0, 127.0.0.1.
        var address: [UInt8] = [UInt8(AF_INET), 0, 0, 0, 127, 0, 0, 1] + Array(repeating: 0, count: 8)
        var length = socklen_t(address.count)
        let outcome = address.withUnsafeMutableBytes { bytes in
            bytes.withMemoryRebound(to: sockaddr.self) { generic in
                bind(descriptor, generic.baseAddress, length) == 0
                    && getsockname(descriptor, generic.baseAddress, &length) == 0
            }
        }
        guard outcome else { throw failure }
        return Int(address[2]) << 8 | Int(address[3])
    }

    private static var failure: DevelopmentError {
        .file(path: "a port of 127.0.0.1", reason: String(cString: strerror(errno)))
    }
}
