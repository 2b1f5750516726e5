import Glibc
import Portable

/// One ref's change by its own file, in git's way, so that git programs and this one keep out of each other's
/// way: the file `REF.lock` is made, the old value compared, the new one written into the lock, and the lock
/// renamed.
///
/// Nothing has changed until ``commit()``. Whoever is neither committed nor rolled back leaves the lock.
struct LooseRefChange {
    /// The change.
    let update: RefUpdate
    private let repository: String
    private var file: String { repository + "/" + update.name.full }
    private var lock: String { file + ".lock" }

    /// How long another writer's lock is waited for, as git does by default (`core.filesRefLockTimeout`).
    private static let patience = Duration.milliseconds(100)
    /// A lock that is older, in seconds, was left by a writer that was killed: git holds them for moments.
    private static let leftoverSeconds = 600

    /// Locks the ref, compares its value and writes the new one into the lock, on the disk. Blocks.
    /// - Parameter old: Reads the ref's value.
    /// - Throws: ``GitStoreError/locked(path:)``, ``GitStoreError/refConflict(name:expected:actual:)``,
    ///   ``GitStoreError/refBlocked(name:by:)``. The lock is gone again then.
    init(_ update: RefUpdate, in repository: String, old: () throws -> ObjectID) throws {
        self.update = update
        self.repository = repository
        let descriptor = try takeLock()
        defer { close(descriptor) }
        do {
            let actual = try old()
            guard actual == update.old else {
                throw GitStoreError.refConflict(name: update.name, expected: update.old, actual: actual)
            }
            try requireNoFolder()
            try DiskFile.write(update.new.hex + "\n", to: descriptor, path: lock)
            guard fsync(descriptor) == 0 else { throw SystemCall.failure("sync", lock) }
        } catch {
            unlink(lock)
            throw error
        }
    }

    /// Gives the ref its new value. The folder's entry is the caller's to sync.
    func commit() throws {
        if rename(lock, file) == 0 { return }
        if errno == EISDIR || errno == ENOTEMPTY || errno == EEXIST {
            // Somebody has made a folder since.
            rollBack()
            throw blockedBelow
        }
        let failure = SystemCall.failure("replace", file)
        rollBack()
        throw failure
    }

    private var blockedBelow: GitStoreError {
        .refBlocked(name: update.name, by: update.name.full + "/...")
    }

    /// Refuses where refs lie below this one's name; the folders of refs that have gone are removed.
    private func requireNoFolder() throws {
        guard try FileStamp.of(file)?.isFolder == true else { return }
        Self.removeEmptyFolders(file)
        if try FileStamp.of(file) != nil { throw blockedBelow }
    }

    /// Gives the lock back; the ref is as it was.
    func rollBack() { unlink(lock) }

    private func takeLock() throws -> CInt {
        let end = ContinuousClock.now + Self.patience
        while true {
            let descriptor = open(lock, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
            if descriptor >= 0 { return descriptor }
            switch errno {
            case ENOENT: try makeFolders()
            case ENOTDIR: throw GitStoreError.refBlocked(name: update.name, by: blockingParent())
            case EEXIST:
                if removeLeftover() { continue }
                guard ContinuousClock.now < end else { throw GitStoreError.locked(path: file) }
                usleep(useconds_t.random(in: 1000...4000))
            default: throw SystemCall.failure("create", lock)
            }
        }
    }

    /// Makes the folders of the ref's name. Git may be removing them as empty meanwhile, hence again and
    /// again.
    private func makeFolders() throws {
        var parents: [String] = []
        var folder = DiskFile.parent(of: file)
        while folder.utf8.count > repository.utf8.count {
            parents.append(folder)
            folder = DiskFile.parent(of: folder)
        }
        for parent in parents.reversed() where mkdir(parent, 0o755) != 0 {
            switch errno {
            case EEXIST, ENOENT: continue
            case ENOTDIR: throw GitStoreError.refBlocked(name: update.name, by: blockingParent())
            default: throw SystemCall.failure("make", parent)
            }
        }
        guard access(repository, F_OK) == 0 else {
            throw GitStoreError.notARepository(path: repository, reason: "it is gone")
        }
    }

    /// The ref whose file is where this one needs a folder.
    private func blockingParent() -> String {
        var folder = DiskFile.parent(of: update.name.full)
        while folder.contains("/") {
            if let stamp = try? FileStamp.of(repository + "/" + folder), !stamp.isFolder { return folder }
            folder = DiskFile.parent(of: folder)
        }
        return DiskFile.parent(of: update.name.full)
    }

    /// Removes a lock that a killed writer left.
    private func removeLeftover() -> Bool {
        guard let stamp = try? FileStamp.of(lock), time(nil) - stamp.modified > Self.leftoverSeconds else {
            return false
        }
        return unlink(lock) == 0
    }

    private static func removeEmptyFolders(_ folder: String) {
        guard rmdir(folder) != 0, errno == ENOTEMPTY || errno == EEXIST else { return }
        guard let names = try? LooseRefs.entries(of: folder) else { return }
        for (name, type) in names where type == DT_DIR { removeEmptyFolders(folder + "/" + name) }
        rmdir(folder)
    }
}
