internal import Portable

/// Which refs clients may change: everything below `refs/<folder>/` but what the server writes itself.
enum RefRules {
    /// The folders that only the server writes, and `refs/replace`, which would let a push change history
    /// unseen.
    static let reserved = ["refs/pull-requests/", "refs/perigee/", "refs/replace/"]

    /// Why a client may not change this ref; nil when it may.
    static func refusal(of ref: RefName) -> String? {
        if let folder = reserved.first(where: { ref.full.utf8.starts(with: $0.utf8) }) {
            return "\(ref) cannot be changed: the server alone writes below \(folder.dropLast()). "
                + "Use a name below refs/heads or refs/tags."
        }
        if ref.full.utf8.filter({ $0 == UInt8(ascii: "/") }).count < 2 {
            return
                "\(ref) cannot be changed: it is not in a folder. Use a name below refs/heads or refs/tags."
        }
        if ref.full == "refs/heads/HEAD" {
            return "\(ref) cannot be changed: a branch named HEAD would be mistaken for the default branch. "
                + "Use another name."
        }
        return nil
    }
}
