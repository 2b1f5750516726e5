import CGit2
import Portable

extension OpenRepository {
    /// The type of commits.
    static var commitType: git_object_t { GIT_OBJECT_COMMIT }

    /// The type of annotated tags.
    static var tagType: git_object_t { GIT_OBJECT_TAG }

    /// The committer's time of a commit, in seconds since 1970; nil when it is no commit.
    func commitTime(_ id: ObjectID) throws -> Int64? {
        try withCommit(id) { git_commit_time($0) }
    }

    /// The one object whose name begins with these 4 to 39 hexadecimal digits; nil when none or several do.
    func unabbreviated(_ digits: String) throws -> ObjectID? {
        guard (4..<40).contains(digits.utf8.count), digits.utf8.allSatisfy(Self.isHexadecimal) else {
            return nil
        }
        var short = git_oid()
        try LibGit2.check(git_oid_fromstrn(&short, digits, digits.utf8.count), "read the hash \(digits)")
        var found = git_oid()
        let code = git_odb_exists_prefix(&found, objects, &short, digits.utf8.count)
        if code == GIT_ENOTFOUND.rawValue || code == GIT_EAMBIGUOUS.rawValue { return nil }
        try LibGit2.check(code, "find \(digits)")
        return ObjectID(found)
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x46).contains(byte) || (0x61...0x66).contains(byte)
    }
}
