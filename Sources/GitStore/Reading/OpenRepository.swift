import CGit2
import Portable

/// A repository opened for one piece of work on one thread.
struct OpenRepository: ~Copyable {
    /// The library's repository.
    let handle: OpaquePointer
    /// The library's object database.
    let objects: OpaquePointer

    /// Opens a bare repository.
    /// - Parameter quarantine: A folder of objects that are not part of the repository yet, as git gives its
    ///   hooks.
    /// - Throws: ``GitStoreError/notARepository(path:reason:)``.
    init(_ path: String, quarantine: String? = nil) throws {
        (handle, objects) = try Self.open(path, quarantine: quarantine)
    }

    deinit {
        git_odb_free(objects)
        git_repository_free(handle)
    }

    private static func open(
        _ path: String, quarantine: String?
    ) throws -> (handle: OpaquePointer, objects: OpaquePointer) {
        var repository: OpaquePointer?
        guard git_repository_open_bare(&repository, path) == 0, let repository else {
            throw GitStoreError.notARepository(path: path, reason: LibGit2.reason)
        }
        var objects: OpaquePointer?
        guard git_repository_odb(&objects, repository) == 0, let objects,
            quarantine.map({ git_odb_add_disk_alternate(objects, $0) }) ?? 0 == 0
        else {
            let failure = LibGit2.failure("open the objects of \(path)")
            git_odb_free(objects)
            git_repository_free(repository)
            throw failure
        }
        return (repository, objects)
    }

    /// The type and size of an object; nil when it is not there.
    func header(_ id: ObjectID) throws -> (type: git_object_t, size: Int64)? {
        var oid = id.oid
        var size = 0
        var type = GIT_OBJECT_INVALID
        let code = git_odb_read_header(&size, &type, objects, &oid)
        if code == GIT_ENOTFOUND.rawValue { return nil }
        try LibGit2.check(code, "read object \(id)")
        return (type, Int64(size))
    }

    /// What is behind a tag, however deep; nil when the object is no tag, or is not there.
    func peeled(_ id: ObjectID) throws -> ObjectID? {
        guard let header = try header(id), header.type == GIT_OBJECT_TAG else { return nil }
        var oid = id.oid
        var tag: OpaquePointer?
        try LibGit2.check(git_tag_lookup(&tag, handle, &oid), "read tag \(id)")
        defer { git_tag_free(tag) }
        var target: OpaquePointer?
        let code = git_tag_peel(&target, tag)
        if code == GIT_ENOTFOUND.rawValue { return nil }
        try LibGit2.check(code, "follow tag \(id)")
        defer { git_object_free(target) }
        guard let end = git_object_id(target) else { return nil }
        return ObjectID(end.pointee)
    }

    /// Calls the body with a commit; nil when the object is not there, or is no commit.
    func withCommit<R>(_ id: ObjectID, _ body: (OpaquePointer) throws -> R) throws -> R? {
        guard let header = try header(id), header.type == GIT_OBJECT_COMMIT else { return nil }
        var oid = id.oid
        var commit: OpaquePointer?
        try LibGit2.check(git_commit_lookup(&commit, handle, &oid), "read commit \(id)")
        defer { git_commit_free(commit) }
        guard let commit else { return nil }
        return try body(commit)
    }
}

extension GitStore {
    /// Runs work with an opened repository on one of the reading threads.
    func reading<R: Sendable>(
        _ path: String, quarantine: String? = nil,
        _ work: @escaping @Sendable (borrowing OpenRepository) throws -> R
    ) async throws -> R {
        try await onThread { try work(OpenRepository(path, quarantine: quarantine)) }
    }
}
