import Glibc
import Portable

/// The exclusive hold of this process on its home, so that no second node runs on it.
///
/// A lock of the system (`flock`) on `run/lock`, which ends with the process however it ends. The file's
/// content
/// only tells people, and the second node, who holds it.
final class HomeLock: Sendable {
    private let descriptor: Int32

    /// Takes the lock.
    /// - Parameter file: `run/lock` of the home.
    /// - Throws: ``StartError/homeInUse(home:processID:nodeID:url:)`` when another process holds it.
    init(file: String, nodeFile: String, home: String, node: NodeID) throws(StartError) {
        descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw Self.problem(file, errno) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            close(descriptor)
            guard code == EWOULDBLOCK else { throw Self.problem(file, code) }
            throw Self.inUse(file: file, nodeFile: nodeFile, home: home)
        }
        let facts: PortableValue = ["pid": .integer(Int64(getpid())), "nodeId": .string(node.rawValue)]
        do {
            guard ftruncate(descriptor, 0) == 0 else { throw SystemFile.Failure(path: file) }
            try SystemFile.write(try JSON.encode(facts), to: descriptor, path: file)
        } catch {
            throw Self.problem(file, (error as? SystemFile.Failure)?.code ?? EIO)
        }
    }

    deinit { close(descriptor) }

    private static func inUse(file: String, nodeFile: String, home: String) -> StartError {
        let holder = facts(file)
        let served = facts(nodeFile)
        let processID = holder?["pid"]?.integerValue
        // A node.json of an earlier process says nothing about the one that holds the lock.
        let url = served?["pid"]?.integerValue == processID ? served?["url"]?.stringValue : nil
        return .homeInUse(
            home: home, processID: processID.flatMap { Int(exactly: $0) },
            nodeID: holder?["nodeId"]?.stringValue, url: url)
    }

    private static func facts(_ path: String) -> PortableValue? {
        SystemFile.text(of: path).flatMap { try? JSON.decode(Array($0.utf8)) }
    }

    private static func problem(_ path: String, _ code: Int32) -> StartError {
        .home(
            path: path, problem: String(cString: strerror(code)),
            action: "Make the home writable for the user that runs Perigee.")
    }
}
