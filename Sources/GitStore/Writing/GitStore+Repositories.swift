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
        try await onThread {
            let parent = DiskFile.parent(of: path)
            try Self.makeFolder(parent)
            guard try FileStamp.of(path) == nil else { throw GitStoreError.alreadyExists(path: path) }
            let draft = "\(parent)/.new-\(UInt64.random(in: .min ... .max))"
            do {
                try Self.write(draft, head: branch)
                guard rename(draft, path) == 0 else {
                    if errno == ENOTEMPTY || errno == EEXIST { throw GitStoreError.alreadyExists(path: path) }
                    throw SystemCall.failure("make", path)
                }
            } catch {
                try? FileManager.default.removeItem(atPath: draft)
                throw error
            }
            try DiskFile.sync(parent)
        }
        shared.refs.forget(path)
    }

    /// Removes a repository: it is out of its place at once and for good, its files follow. Absent ones do
    /// not matter.
    package func deleteRepository(at path: String) async throws {
        shared.refs.forget(path)
        try await onThread {
            let parent = DiskFile.parent(of: path)
            let trash = parent + "/.trash"
            try Self.makeFolder(trash)
            if rename(path, "\(trash)/\(UInt64.random(in: .min ... .max))") != 0 {
                guard errno == ENOENT else { throw SystemCall.failure("delete", path) }
            }
            try DiskFile.sync(trash)
            try DiskFile.sync(parent)
            // Also what an earlier deletion could not finish.
            for name in (try? FileManager.default.contentsOfDirectory(atPath: trash)) ?? [] {
                try? FileManager.default.removeItem(atPath: "\(trash)/\(name)")
            }
        }
    }

    /// Makes HEAD name a branch, which need not be there; when this returns it is on the disk.
    /// - Throws: ``GitStoreError/invalidName(_:)`` when the ref is no branch;
    ///   ``GitStoreError/locked(path:)``.
    package func setHead(_ ref: RefName, in path: String) async throws {
        guard ref.isBranch else { throw GitStoreError.invalidName(ref.full) }
        try await onThread {
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
    }

    private static func write(_ path: String, head: RefName) throws {
        let folders = [
            "", "/objects", "/objects/info", "/objects/pack", "/refs", "/refs/heads", "/refs/tags",
        ]
        for folder in folders {
            guard mkdir(path + folder, 0o755) == 0 else { throw SystemCall.failure("make", path + folder) }
        }
        try DiskFile.create(path + "/HEAD", "ref: \(head.full)\n")
        try DiskFile.create(
            path + "/config", "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n")
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
