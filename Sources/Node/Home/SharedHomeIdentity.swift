import FoundationEssentials
import Glibc

/// The id of the shared home, by which nodes see that they have the same one: made once, kept in
/// `<shared>/home-id`.
enum SharedHomeIdentity {
    /// The id, making it where there is none; of several nodes that start at once on a new home one makes it.
    /// - Throws: ``StartError/home(path:problem:action:)`` when the file cannot be read or made.
    static func load(shared: String) throws(StartError) -> String {
        let path = "\(shared)/home-id"
        if let id = read(path) { return id }
        let draft = "\(path).\(SystemFile.randomHexadecimal(bytes: 8))"
        defer { unlink(draft) }
        do {
            try SystemFile.replace(
                draft, with: Array("\(SystemFile.randomHexadecimal(bytes: 16))\n".utf8), mode: 0o640)
        } catch {
            throw .home(path: path, problem: error.reason, action: "Make the shared home writable.")
        }
        // A link is made whole or not at all, and never over a file that is there.
        let code: Int32? = link(draft, path) == 0 ? nil : errno
        guard let id = read(path) else {
            let problem = code.map { String(cString: strerror($0)) } ?? "holds no id"
            throw .home(path: path, problem: problem, action: "Restore the file, or remove it for a new id.")
        }
        return id
    }

    private static func read(_ path: String) -> String? {
        guard let id = SystemFile.text(of: path)?.trimmingBlanks else { return nil }
        let isValid = (1...64).contains(id.utf8.count) && id.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f }
        return isValid ? id : nil
    }
}
