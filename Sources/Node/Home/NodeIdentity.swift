import FoundationEssentials
import Portable

/// The name under which this home's node is known: made once, kept in `<home>/node-id`.
enum NodeIdentity {
    /// The node's id, making it at the first start.
    /// - Throws: ``StartError/home(path:problem:action:)`` when the file cannot be read or written, or holds
    ///   no id.
    static func load(home: String) throws(StartError) -> NodeID {
        let path = "\(home)/node-id"
        if let text = SystemFile.text(of: path) {
            let id = text.trimmingBlanks
            guard isValid(id) else {
                throw .home(
                    path: path, problem: "holds no node id",
                    action: "Restore the file, or remove it for a new id.")
            }
            return NodeID(rawValue: id)
        }
        let id = SystemFile.randomHexadecimal(bytes: 8)
        do {
            try SystemFile.replace(path, with: Array("\(id)\n".utf8), mode: 0o640)
        } catch {
            throw .home(
                path: path, problem: error.reason,
                action: "Make the home writable for the user that runs Perigee.")
        }
        return NodeID(rawValue: id)
    }

    private static func isValid(_ id: String) -> Bool {
        (1...64).contains(id.utf8.count)
            && id.utf8.allSatisfy {
                ($0 >= UInt8(ascii: "a") && $0 <= UInt8(ascii: "z"))
                    || ($0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9"))
                    || $0 == UInt8(ascii: "-")
            }
    }
}
