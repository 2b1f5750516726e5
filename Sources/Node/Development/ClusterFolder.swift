import Glibc

/// The folder of a development cluster, held while one runs in it.
final class ClusterFolder {
    /// Its path.
    let path: String
    private let lock: CInt

    /// Makes the folder when it is missing, and takes it.
    /// - Throws: ``DevelopmentError/file(path:reason:)``, ``DevelopmentError/folderInUse(path:)``.
    init(_ path: String) throws(DevelopmentError) {
        self.path = path
        for folder in [path, path + "/log"] {
            guard mkdir(folder, 0o755) == 0 || errno == EEXIST else {
                throw .file(path: folder, reason: String(cString: strerror(errno)))
            }
        }
        lock = open(path + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lock >= 0 else { throw .file(path: path + "/lock", reason: String(cString: strerror(errno))) }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else { throw .folderInUse(path: path) }
    }

    deinit { close(lock) }

    /// The log of one of the programs.
    func log(_ name: String) -> String { "\(path)/log/\(name).log" }

    /// Writes a file that its owner alone may read.
    func write(_ text: String, to name: String) throws(DevelopmentError) {
        do {
            try SystemFile.replace("\(path)/\(name)", with: Array(text.utf8), mode: 0o600)
        } catch {
            throw .file(path: error.path, reason: error.reason)
        }
    }

    /// The system administrator's password: the one of before, else a new one.
    func password() throws(DevelopmentError) -> String {
        if let known = SystemFile.text(of: path + "/password") {
            return String(known.prefix { !$0.isNewline })
        }
        let made = SystemFile.randomHexadecimal(bytes: 8)
        try write(made + "\n", to: "password")
        return made
    }
}
