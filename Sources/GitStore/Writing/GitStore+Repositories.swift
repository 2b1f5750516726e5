import FoundationEssentials
import Glibc
package import Portable

extension GitStore {
    /// Makes an empty bare repository; when this returns it is on the disk.
    ///
    /// All of it is written beside its place and then moved there, so a half-made one is never seen.
    /// - Throws: ``GitStoreError/alreadyExists(path:)``, ``GitStoreError/invalidName(_:)`` for the branch,
    ///   ``GitStoreError/diskFull(path:)``.
    package func createRepository(at path: String, defaultBranch: String) async throws {
        guard let branch = try? RefName.branch(defaultBranch) else {
            throw GitStoreError.invalidName(defaultBranch)
        }
        try await onThread { try Self.create(path, head: branch, isSynced: true) }
        shared.refs.forget(path)
    }

    /// Removes a repository: it is out of its place at once and for good, its files follow. Absent ones do
    /// not matter.
    package func deleteRepository(at path: String) async throws {
        shared.refs.forget(path)
        try await onThread {
            let parent = DiskFile.parent(of: path)
            let trash = try Self.discard(path)
            try DiskFile.sync(trash)
            try DiskFile.sync(parent)
            Self.empty(trash)
        }
    }

    /// Makes HEAD name a branch, which need not be there; when this returns it is on the disk.
    /// - Throws: ``GitStoreError/invalidName(_:)`` when the ref is no branch;
    ///   ``GitStoreError/locked(path:)``.
    package func setHead(_ ref: RefName, in path: String) async throws {
        guard ref.isBranch else { throw GitStoreError.invalidName(ref.full) }
        try await onThread { try Self.setHead(ref, in: path) }
    }

    /// Makes an empty repository. Blocks.
    /// - Parameter isSynced: Whether it is on the disk when this returns.
    static func create(_ path: String, head: RefName, isSynced: Bool) throws {
        let parent = DiskFile.parent(of: path)
        try makeFolder(parent)
        guard try FileStamp.of(path) == nil else { throw GitStoreError.alreadyExists(path: path) }
        let draft = "\(parent)/.new-\(UInt64.random(in: .min ... .max))"
        do {
            try write(draft, head: head, isSynced: isSynced)
            guard rename(draft, path) == 0 else {
                if errno == ENOTEMPTY || errno == EEXIST { throw GitStoreError.alreadyExists(path: path) }
                throw SystemCall.failure("make", path)
            }
        } catch {
            try? FileManager.default.removeItem(atPath: draft)
            throw error
        }
        if isSynced { try DiskFile.sync(parent) }
    }

    /// Moves what is at the path, if anything is, to where it waits to be removed. Blocks.
    /// - Returns: The folder it waits in.
    static func discard(_ path: String) throws -> String {
        let trash = DiskFile.parent(of: path) + "/.trash"
        try makeFolder(trash)
        if rename(path, "\(trash)/\(UInt64.random(in: .min ... .max))") != 0 {
            guard errno == ENOENT else { throw SystemCall.failure("delete", path) }
        }
        return trash
    }

    /// Removes what waits for it, also what an earlier deletion could not finish. Blocks.
    static func empty(_ trash: String) {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: trash)) ?? [] {
            try? FileManager.default.removeItem(atPath: "\(trash)/\(name)")
        }
    }

    static func setHead(_ ref: RefName, in path: String) throws {
        guard try FileStamp.of(path + "/HEAD") != nil else {
            throw GitStoreError.notARepository(path: path, reason: "it has no HEAD")
        }
        // The lock's name is git's own, so that a git program that moves HEAD waits or is waited for.
        let lock = path + "/HEAD.lock"
        try DiskFile.create(lock, "ref: \(ref.full)\n")
        guard rename(lock, path + "/HEAD") == 0 else {
            let failure = SystemCall.failure("replace", path + "/HEAD")
            unlink(lock)
            throw failure
        }
        try DiskFile.sync(path)
    }

    private static func write(_ path: String, head: RefName, isSynced: Bool) throws {
        let folders = [
            "", "/objects", "/objects/info", "/objects/pack", "/refs", "/refs/heads", "/refs/tags",
        ]
        for folder in folders {
            guard mkdir(path + folder, 0o755) == 0 else { throw SystemCall.failure("make", path + folder) }
        }
        try DiskFile.create(path + "/HEAD", "ref: \(head.full)\n", isSynced: isSynced)
        try DiskFile.create(
            path + "/config", "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n",
            isSynced: isSynced)
        guard isSynced else { return }
        for folder in folders.reversed() { try DiskFile.sync(path + folder) }
    }

    /// Makes a folder and those above it that are missing, each on the disk.
    private static func makeFolder(_ path: String) throws {
        guard try FileStamp.of(path) == nil else { return }
        let parent = DiskFile.parent(of: path)
        if parent != path { try makeFolder(parent) }
        guard mkdir(path, 0o755) == 0 || errno == EEXIST else { throw SystemCall.failure("make", path) }
        try DiskFile.sync(parent)
    }
}
