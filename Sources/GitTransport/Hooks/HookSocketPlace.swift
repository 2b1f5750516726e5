import Glibc

/// Where the hook socket lies: in a folder that only this user may enter.
///
/// The address of a Unix socket holds 107 bytes, so a home with a long path gets a private folder among the
/// temporary files, and a link to it in the folder's place, by which the next start finds what a killed
/// node left.
struct HookSocketPlace: Sendable {
    /// The folder, made with mode 0700.
    let directory: String
    /// The link that stands in for the folder of the home, if one does.
    private let link: String?
    /// The socket in it.
    var path: String { directory + "/hook.sock" }
    /// The longest path of a socket that is used, in bytes.
    static let pathBytesMax = 100
    private static let standInPrefix = "/tmp/perigee-"

    /// Makes the folder.
    /// - Parameter run: The node's folder for things of its running process.
    /// - Throws: ``HookSocketError`` when the folder cannot be made.
    init(run: String) throws(HookSocketError) {
        let near = run + "/hooks"
        Self.removeStandIn(behind: near)
        guard (near + "/hook.sock").utf8.count > Self.pathBytesMax else {
            if mkdir(near, 0o700) != 0, errno != EEXIST { throw .directory(path: near, errno: errno) }
            guard chmod(near, 0o700) == 0 else { throw .directory(path: near, errno: errno) }
            directory = near
            link = nil
            return
        }
        let pattern = Self.standInPrefix + "XXXXXX"
        var template = Array(pattern.utf8CString)
        guard mkdtemp(&template) != nil else { throw .directory(path: pattern, errno: errno) }
        let made = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        rmdir(near)
        guard symlink(made, near) == 0 else {
            let code = errno
            rmdir(made)
            throw .directory(path: near, errno: code)
        }
        directory = made
        link = near
    }

    /// Removes what was made, as far as it is still there.
    func remove() {
        unlink(path)
        rmdir(directory)
        if let link { unlink(link) }
    }

    /// Removes the link that an earlier node left, and the folder behind it if that is one of ours.
    private static func removeStandIn(behind link: String) {
        var buffer = [UInt8](repeating: 0, count: 200)
        let count = readlink(link, &buffer, buffer.count)
        guard count > 0 else { return }
        unlink(link)
        let target = String(decoding: buffer[..<count], as: UTF8.self)
        var facts = stat()
        guard target.hasPrefix(standInPrefix), !target.dropFirst(standInPrefix.count).contains("/"),
            lstat(target, &facts) == 0, facts.st_mode & S_IFMT == S_IFDIR, facts.st_uid == geteuid()
        else { return }
        unlink(target + "/hook.sock")
        rmdir(target)
    }
}

/// Why the hook socket cannot be used.
package enum HookSocketError: Error, Sendable, CustomStringConvertible {
    /// The folder for the socket cannot be made private.
    case directory(path: String, errno: Int32)
    /// The socket cannot be made.
    case bind(path: String, reason: String)

    /// A lower-case clause for logs.
    package var description: String {
        switch self {
        case .directory(let path, let code):
            "folder \"\(path)\" for the hook socket: error \(code) of the system"
        case .bind(let path, let reason): "hook socket \"\(path)\": \(reason)"
        }
    }
}
