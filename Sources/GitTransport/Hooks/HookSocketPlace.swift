import Glibc

/// Where the hook socket lies: in a folder that only this user may enter.
///
/// The address of a Unix socket holds 107 bytes, so a long home is avoided by a private folder for temporary
/// files.
struct HookSocketPlace: Sendable {
    /// The folder, made with mode 0700.
    let directory: String
    /// The socket in it.
    var path: String { directory + "/hook.sock" }
    /// The longest path of a socket that is used, in bytes.
    static let pathBytesMax = 100

    /// Makes the folder.
    /// - Parameter run: The node's folder for things of its running process.
    /// - Throws: ``HookSocketError`` when the folder cannot be made.
    init(run: String) throws(HookSocketError) {
        let near = run + "/hooks"
        if (near + "/hook.sock").utf8.count <= Self.pathBytesMax {
            if mkdir(near, 0o700) != 0, errno != EEXIST { throw .directory(path: near, errno: errno) }
            guard chmod(near, 0o700) == 0 else { throw .directory(path: near, errno: errno) }
            directory = near
            return
        }
        var template = Array("/tmp/perigee-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw .directory(path: "/tmp/perigee-XXXXXX", errno: errno) }
        directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Removes what was made, as far as it is still there.
    func remove() {
        unlink(path)
        rmdir(directory)
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
