import Glibc

/// What tells one state of a file or folder from another without reading it.
struct FileStamp: Hashable {
    /// How long after its last change a stamp says nothing yet: file systems keep times as coarse as a
    /// second, so two changes within one step may look like one.
    static let unsettledSeconds = 2

    private let device: UInt64
    private let inode: UInt64
    private let size: Int64
    private let modifiedSeconds: Int
    private let modifiedNanoseconds: Int
    private let changedSeconds: Int
    private let changedNanoseconds: Int
    /// Whether it is a folder.
    let isFolder: Bool

    /// The stamp of what the path names, links followed; nil when nothing is there.
    /// - Throws: ``GitStoreError/system(operation:path:errno:)``.
    static func of(_ path: String) throws -> FileStamp? {
        var status = stat()
        guard stat(path, &status) == 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw SystemCall.failure("look at", path)
        }
        return FileStamp(status)
    }

    private init(_ status: stat) {
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        size = Int64(status.st_size)
        modifiedSeconds = status.st_mtim.tv_sec
        modifiedNanoseconds = status.st_mtim.tv_nsec
        changedSeconds = status.st_ctim.tv_sec
        changedNanoseconds = status.st_ctim.tv_nsec
        isFolder = status.st_mode & S_IFMT == S_IFDIR
    }

    /// When its content was changed, in seconds since 1970 by the file system's clock.
    var modified: Int { modifiedSeconds }

    /// Whether a change after this moment is sure to give another stamp.
    var isSettled: Bool {
        let last = max(modifiedSeconds, changedSeconds)
        return time(nil) - last > Self.unsettledSeconds
    }
}
