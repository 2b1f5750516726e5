import GRDB
import Glibc

/// The file of a database before it is opened: found good, made, or refused without being touched.
struct SQLiteFile {
    let path: String

    /// What tells this program's databases from those of others: "Peri", in the header's field for it.
    /// - Source: "SQLite Database File Format", section "Application ID".
    private static let applicationID: UInt32 = 0x5065_7269

    /// Checks the file, or makes an empty database when there is none.
    /// - Throws: ``DatabaseError/corrupt(path:reason:)`` or ``DatabaseError/unavailable(reason:)``; the file
    ///   is then as it was.
    func prepare() throws(DatabaseError) {
        var status = stat()
        guard stat(path, &status) == 0 else {
            guard errno == ENOENT else { throw unavailable() }
            if access(path + "-wal", F_OK) == 0 {
                throw .corrupt(path: path, reason: "the file is gone and its write-ahead log is still there")
            }
            return try make()
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw .corrupt(path: path, reason: "it is not a file")
        }
        guard status.st_size > 0 else { throw .corrupt(path: path, reason: "it is empty") }
        try checkHeader()
    }

    private func checkHeader() throws(DatabaseError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw unavailable() }
        defer { close(descriptor) }
        var header = [UInt8](repeating: 0, count: 100)
        let count = header.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
        guard count == 100, header.starts(with: "SQLite format 3\0".utf8) else {
            throw .corrupt(path: path, reason: "it is not a SQLite database")
        }
        let applicationID = header[68..<72].reduce(0 as UInt32) { $0 << 8 | UInt32($1) }
        guard applicationID == SQLiteFile.applicationID else {
            throw .corrupt(path: path, reason: "it is the database of another program")
        }
    }

    /// Makes the database under another name first: a file of the right name is always whole, even after a
    /// power cut.
    private func make() throws(DatabaseError) {
        let draft = path + ".new"
        for suffix in ["", "-journal", "-wal", "-shm"] { unlink(draft + suffix) }
        // Password hashes will be inside: nobody else reads it. The log and the shared memory inherit the
        // mode.
        let descriptor = open(draft, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw unavailable() }
        defer { close(descriptor) }
        do {
            let queue = try DatabaseQueue(path: draft)
            try queue.writeWithoutTransaction { database in
                try database.execute(sql: "PRAGMA application_id = \(SQLiteFile.applicationID)")
                _ = try String.fetchOne(database, sql: "PRAGMA journal_mode = WAL")
            }
            try queue.close()
        } catch {
            throw DatabaseError(error, path: draft)
        }
        guard fsync(descriptor) == 0, rename(draft, path) == 0 else { throw unavailable() }
        try syncFolder()
    }

    private func syncFolder() throws(DatabaseError) {
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw unavailable() }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw unavailable() }
    }

    private func unavailable() -> DatabaseError {
        let code = errno
        if code == ENOSPC || code == EDQUOT { return .full }
        return .unavailable(reason: "\"\(path)\": \(String(cString: strerror(code)))")
    }
}
