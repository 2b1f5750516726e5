import Glibc
package import NIOCore
import Portable
import Synchronization

extension GitStore {
    /// What `git receive-pack` tells a client before a push, in protocol version 0, made in this process.
    ///
    /// The capabilities are asked of git once, with an empty repository, and kept.
    /// - Returns: The packets with the closing flush; nil when git itself has to answer, because the
    ///   repository is
    ///   shallow or a ref is damaged.
    /// - Source: gitprotocol-pack(5), "Reference Discovery".
    package func pushAdvertisement(in path: String) async throws -> ByteBuffer? {
        let capabilities = try await pushCapabilities()
        let cache = shared.refs
        return try await onThread {
            guard access(path + "/shallow", F_OK) != 0 else { return nil }
            let snapshot = try cache.snapshot(of: path)
            guard !snapshot.isIncomplete, !snapshot.entries.contains(where: { $0.target.isZero }) else {
                return nil
            }
            return Self.encode(snapshot, capabilities: capabilities)
        }
    }

    private static func encode(_ snapshot: RefSnapshot, capabilities: String) -> ByteBuffer {
        var buffer = ByteBuffer()
        var suffix = "\0" + capabilities
        for entry in snapshot.entries where !isHidden(entry.name) {
            buffer.writePktLine("\(entry.target.hex) \(entry.name)\(suffix)\n")
            suffix = ""
        }
        if !suffix.isEmpty {
            buffer.writePktLine("\(ObjectID.zero.hex) capabilities^{}\(suffix)\n")
        }
        buffer.writePktLine(.flush)
        return buffer
    }

    private func pushCapabilities() async throws -> String {
        if let known = shared.pushCapabilities.withLock({ $0 }) { return known }
        let folder = try TemporaryFolder(prefix: "perigee-git-")
        defer { folder.remove() }
        let path = folder.path + "/empty.git"
        try await createRepository(at: path, defaultBranch: "main")
        let process = try receivePack(
            in: path, protocolVersion: nil, advertise: true, hook: nil, maxInputBytes: nil)
        let answer = String(buffer: try await process.communicate())
        let line = answer.prefix { $0 != "\n" }
        let parts = line.split(separator: "\0", maxSplits: 1)
        guard parts.count == 2 else {
            throw GitStoreError.gitUnavailable(
                executable: configuration.gitExecutable,
                reason: "\"git receive-pack\" answers \"\(answer.prefix(80))\"")
        }
        let capabilities = String(parts[1])
        shared.pushCapabilities.withLock { $0 = capabilities }
        return capabilities
    }
}
