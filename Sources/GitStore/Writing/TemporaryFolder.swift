import FoundationEssentials
import Glibc

/// A folder of this process's own.
struct TemporaryFolder {
    /// Its absolute path.
    let path: String

    /// Makes it, readable by this user alone.
    /// - Parameter base: Where; the system's folder for temporary files when nil.
    init(prefix: String, in base: String? = nil) throws {
        let base = base ?? FileManager.default.temporaryDirectory.path
        let template = (base.hasSuffix("/") ? base : base + "/") + prefix + "XXXXXX"
        guard let made = strdup(template) else { throw SystemCall.failure("make", template) }
        defer { free(made) }
        guard mkdtemp(made) != nil else { throw SystemCall.failure("make", template) }
        path = String(cString: made)
    }

    /// Removes it with its content; what cannot be removed stays for the system's own cleaning.
    func remove() {
        try? FileManager.default.removeItem(atPath: path)
    }
}
