import CSSH
import Glibc

/// Wakes the thread of a connection, from anywhere.
final class SSHWaker: Sendable {
    /// Readable from a ``wake()`` on, until ``clear()``.
    let descriptor: CInt

    /// - Throws: ``SSHDoorError/library(reason:)`` when no descriptor is left.
    init() throws(SSHDoorError) {
        descriptor = eventfd(0, CInt(EFD_CLOEXEC | EFD_NONBLOCK))
        guard descriptor >= 0 else { throw .library(reason: String(cString: strerror(errno))) }
    }

    deinit { close(descriptor) }

    /// Makes the descriptor readable.
    func wake() {
        var one: UInt64 = 1
        _ = write(descriptor, &one, 8)
    }

    /// Makes it unreadable.
    func clear() {
        var count: UInt64 = 0
        _ = read(descriptor, &count, 8)
    }
}
