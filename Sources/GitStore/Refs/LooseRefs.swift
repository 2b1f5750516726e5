import Glibc

/// The refs that are files of one folder below `refs/`, and its folders, as they were at one time.
final class LooseRefs: Sendable {
    /// How long a folder that looks unchanged is believed, in seconds: a file overwritten in its place, which
    /// git never does, changes no folder.
    private static let believedSeconds = 60

    private let stamp: FileStamp
    private let isSettled: Bool
    private let readAt: Int
    private let files: [StoredRef]
    private let folders: [(name: String, refs: LooseRefs)]

    private init(
        stamp: FileStamp, isSettled: Bool, readAt: Int, files: [StoredRef],
        folders: [(name: String, refs: LooseRefs)]
    ) {
        self.stamp = stamp
        self.isSettled = isSettled
        self.readAt = readAt
        self.files = files
        self.folders = folders
    }

    /// Reads a folder, except for the parts of what was read before that still hold.
    ///
    /// Git changes a ref by creating a lock file in its folder and renaming it, so an unchanged folder has
    /// unchanged refs.
    /// - Parameter prefix: What all names in the folder begin with: `refs/`.
    /// - Returns: The same object as before when nothing has changed; nil when there is no folder.
    static func read(_ path: String, prefix: String, previous: LooseRefs?) throws -> LooseRefs? {
        guard let stamp = try FileStamp.of(path), stamp.isFolder else { return nil }
        let now = time(nil)
        guard let previous, previous.isSettled, previous.stamp == stamp,
            (0..<believedSeconds).contains(now - previous.readAt)
        else { return try readAgain(path, prefix: prefix, stamp: stamp, now: now, previous: previous) }
        var isChanged = false
        var folders: [(name: String, refs: LooseRefs)] = []
        for (name, known) in previous.folders {
            let read = try read(path + "/" + name, prefix: prefix + name + "/", previous: known)
            isChanged = isChanged || read !== known
            if let read { folders.append((name, read)) }
        }
        guard isChanged else { return previous }
        return LooseRefs(
            stamp: stamp, isSettled: true, readAt: previous.readAt, files: previous.files, folders: folders)
    }

    /// All refs of the folder and the folders in it, in no order.
    func collect(into list: inout [StoredRef]) {
        list.append(contentsOf: files)
        for (_, refs) in folders { refs.collect(into: &list) }
    }

    private static func readAgain(
        _ path: String, prefix: String, stamp: FileStamp, now: Int, previous: LooseRefs?
    ) throws -> LooseRefs? {
        let isSettled = stamp.isSettled
        guard let names = try entries(of: path) else { return nil }
        let known = Dictionary((previous?.folders ?? []).map { ($0.name, $0.refs) }) { first, _ in first }
        var files: [StoredRef] = []
        var folders: [(name: String, refs: LooseRefs)] = []
        for (name, type) in names {
            let child = path + "/" + name
            let isFolder = try type == DT_DIR || type != DT_REG && FileStamp.of(child)?.isFolder == true
            if isFolder {
                let read = try read(child, prefix: prefix + name + "/", previous: known[name])
                if let read { folders.append((name, read)) }
            } else if let content = try DiskFile.read(child) {
                files.append(StoredRef(name: prefix + name, value: StoredRef.value(ofFile: content)))
            }
        }
        return LooseRefs(stamp: stamp, isSettled: isSettled, readAt: now, files: files, folders: folders)
    }

    /// What is in a folder, but for what git hides and locks; nil when there is no such folder.
    static func entries(of path: String) throws -> [(name: String, type: Int)]? {
        guard let folder = opendir(path) else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw SystemCall.failure("open", path)
        }
        defer { closedir(folder) }
        var names: [(name: String, type: Int)] = []
        while true {
            errno = 0
            guard let entry = readdir(folder) else { break }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { name in
                name.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard !name.utf8.starts(with: ".".utf8), !name.hasSuffix(".lock") else { continue }
            names.append((name, Int(entry.pointee.d_type)))
        }
        guard errno == 0 else { throw SystemCall.failure("read", path) }
        return names
    }
}
