import Glibc

/// Whole files and folders: read, written, and brought to the disk.
enum DiskFile {
    /// Reads a whole file; nil when nothing is there, or a folder is.
    /// - Throws: ``GitStoreError/system(operation:path:errno:)``.
    static func read(_ path: String) throws -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw SystemCall.failure("open", path)
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw SystemCall.failure("look at", path) }
        guard status.st_mode & S_IFMT != S_IFDIR else { return nil }
        // One byte more than the size, so that the usual file is read in one call and its end in the same.
        var bytes = [UInt8](repeating: 0, count: Int(clamping: status.st_size) + 1)
        var count = 0
        while true {
            if count == bytes.count { bytes.append(contentsOf: repeatElement(0, count: bytes.count)) }
            let result = bytes.withUnsafeMutableBytes { buffer in
                Glibc.read(descriptor, buffer.baseAddress.map { $0 + count }, buffer.count - count)
            }
            guard result >= 0 else {
                if errno == EINTR { continue }
                throw SystemCall.failure("read", path)
            }
            count += result
            if result == 0 || count < bytes.count { break }
        }
        bytes.removeLast(bytes.count - count)
        return bytes
    }

    /// Writes a new file and brings its content to the disk; the folder's entry is the caller's to sync.
    /// - Parameter isSynced: Whether the content is brought to the disk; if not, it is the caller's to sync.
    /// - Throws: ``GitStoreError/locked(path:)`` when the file is already there;
    ///   ``GitStoreError/diskFull(path:)``.
    static func create(_ path: String, _ content: String, isSynced: Bool = true) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw errno == EEXIST ? GitStoreError.locked(path: path) : SystemCall.failure("create", path)
        }
        defer { close(descriptor) }
        do {
            try write(content, to: descriptor, path: path)
            guard !isSynced || fsync(descriptor) == 0 else { throw SystemCall.failure("sync", path) }
        } catch {
            unlink(path)
            throw error
        }
    }

    /// Brings a file or folder to the disk.
    /// - Returns: Whether it was there.
    @discardableResult
    static func sync(_ path: String) throws -> Bool {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return false }
            throw SystemCall.failure("open", path)
        }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw SystemCall.failure("sync", path) }
        return true
    }

    /// The folder that holds what the path names.
    static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// Writes all of it.
    static func write(_ content: String, to descriptor: CInt, path: String) throws {
        var rest = Array(content.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count >= 0 else {
                if errno == EINTR { continue }
                throw SystemCall.failure("write", path)
            }
            rest = rest.dropFirst(count)
        }
    }
}
