import CGit2
import Portable

extension OpenRepository {
    /// Reads a commit; nil when the object is not there, or is no commit.
    func commitRecord(_ id: ObjectID) throws -> CommitRecord? {
        try withCommit(id) { commit in
            guard let tree = git_commit_tree_id(commit) else { throw LibGit2.failure("read commit \(id)") }
            let encoding = git_commit_message_encoding(commit).map { String(cString: $0) }
            let parents = (0..<git_commit_parentcount(commit)).compactMap { number in
                git_commit_parent_id(commit, number).map { ObjectID($0.pointee) }
            }
            return CommitRecord(
                id: id, tree: ObjectID(tree.pointee), parents: parents,
                author: Self.signature(git_commit_author(commit), encoding: encoding),
                committer: Self.signature(git_commit_committer(commit), encoding: encoding),
                message: Self.text(git_commit_message(commit), encoding: encoding))
        }
    }

    /// Reads a commit that must be there.
    func requireCommitRecord(_ id: ObjectID) throws -> CommitRecord {
        guard let record = try commitRecord(id) else { throw GitStoreError.noSuchObject(id) }
        return record
    }

    /// Throws unless all of these are commits that are there.
    func requireCommits(_ ids: [ObjectID?]) throws {
        for case let id? in ids {
            guard try header(id)?.type == GIT_OBJECT_COMMIT else { throw GitStoreError.noSuchObject(id) }
        }
    }

    /// Lists the commits of a query that has no path.
    func walk(_ query: CommitQuery) throws -> [ObjectID] {
        var walker: OpaquePointer?
        try LibGit2.check(git_revwalk_new(&walker, handle), "walk commits")
        defer { git_revwalk_free(walker) }
        var start = query.until.oid
        try LibGit2.check(git_revwalk_push(walker, &start), "walk from \(query.until)")
        if let since = query.since {
            var end = since.oid
            try LibGit2.check(git_revwalk_hide(walker, &end), "walk without \(since)")
        }
        var listed: [ObjectID] = []
        var passed = 0
        var oid = git_oid()
        while listed.count < query.limit {
            let code = git_revwalk_next(&oid, walker)
            if code == GIT_ITEROVER.rawValue { break }
            try LibGit2.check(code, "walk commits")
            let id = ObjectID(oid)
            guard try isWanted(id, query.merges) else { continue }
            passed += 1
            if passed > query.offset { listed.append(id) }
        }
        return listed
    }

    private func isWanted(_ id: ObjectID, _ merges: CommitQuery.Merges) throws -> Bool {
        guard merges != .include else { return true }
        let isMerge = try withCommit(id) { git_commit_parentcount($0) > 1 } ?? false
        return isMerge == (merges == .only)
    }

    private static func signature(_ signature: UnsafePointer<git_signature>?, encoding: String?) -> Signature
    {
        guard let signature = signature?.pointee else { return Signature(name: "", email: "", timestamp: 0) }
        let (time, isOverflown) = Int64(signature.when.time).multipliedReportingOverflow(by: 1000)
        return Signature(
            name: text(signature.name, encoding: encoding), email: text(signature.email, encoding: encoding),
            timestamp: isOverflown ? 0 : time, offsetMinutes: Int(signature.when.offset))
    }

    private static func text(_ pointer: UnsafePointer<CChar>?, encoding: String?) -> String {
        guard let pointer else { return "" }
        let latin = ["iso-8859-1", "latin1", "latin-1", "iso8859-1", "iso88591"]
        guard let encoding, latin.contains(encoding.lowercased()) else { return String(cString: pointer) }
        var scalars = String.UnicodeScalarView()
        var place = pointer
        while place.pointee != 0 {
            scalars.append(Unicode.Scalar(UInt8(bitPattern: place.pointee)))
            place += 1
        }
        return String(scalars)
    }
}
