import Foundation
import NodeTestKit
import Synchronization

/// Keeps a running node's database from taking changes, as another program that writes to it would.
///
/// - Source: SQLite, "WAL-mode File Format", "Locking Matrix": WAL_WRITE_LOCK is byte 120 of the file for
///   shared memory; whoever holds it writes alone.
final class DatabaseLock: Sendable {
    private let descriptor: Mutex<Int32?>

    /// Waits until the node lets go of it, then holds it.
    static func take(home: String) throws -> DatabaseLock {
        let path = "\(home)/shared/data/perigee.sqlite-shm"
        let descriptor = open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { throw TestKitError.system(call: "open \(path)", code: errno) }
        var lock = flock()
        lock.l_type = Int16(F_WRLCK)
        lock.l_whence = Int16(SEEK_SET)
        lock.l_start = 120
        lock.l_len = 1
        guard fcntl(descriptor, F_SETLKW, &lock) == 0 else {
            throw TestKitError.system(call: "lock \(path)", code: errno)
        }
        return DatabaseLock(descriptor)
    }

    private init(_ descriptor: Int32) { self.descriptor = Mutex(descriptor) }

    deinit { release() }

    /// Lets changes through again.
    func release() {
        let open = descriptor.withLock { descriptor in
            defer { descriptor = nil }
            return descriptor
        }
        if let open { close(open) }
    }
}
