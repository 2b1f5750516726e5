import CGit2
import NIOCore
package import Portable

extension GitStore {
    /// Changes refs, all or none; when this returns the changes are on the disk.
    /// - Parameter changes: At most one for each name; an empty list does nothing.
    /// - Throws: ``GitStoreError/refConflict(name:expected:actual:)`` when a ref is not at its old value,
    ///   ``GitStoreError/refBlocked(name:by:)``, ``GitStoreError/noSuchObject(_:)``,
    ///   ``GitStoreError/wrongType(_:wanted:)`` for a branch at something that is no commit,
    ///   ``GitStoreError/processFailed(command:status:standardError:)`` for anything else. Nothing was then
    ///   changed.
    package func updateRefs(_ changes: [RefUpdate], in path: String) async throws {
        guard !changes.isEmpty else { return }
        try await requireObjects(of: changes, in: path)
        let process = try process(
            ["--git-dir=\(path)", "update-ref", "--stdin", "-z", "--no-deref"], name: "update-ref",
            environment: GitEnvironment(configuration: configuration))
        do {
            _ = try await process.communicate(Self.transaction(changes))
        } catch let failure as GitStoreError {
            guard case .processFailed = failure else { throw failure }
            throw try await reason(changes, in: path) ?? failure
        }
        try await syncAfterPush(refs: changes.map(\.name), in: path)
    }

    /// Notes how the folders that a push changes look before it; for ``syncAfterPush(refs:since:in:)``.
    /// - Parameter refs: The refs that are to be changed.
    /// - Returns: nil when they are many: then to look costs more than it spares.
    package func foldersBeforePush(refs: [RefName], in path: String) -> FolderStamps? {
        refs.count > 32 ? nil : FolderStamps(of: Self.folders(of: refs, in: path))
    }

    /// Brings to the disk what git leaves to chance after a push: the folders of refs, packs and
    /// `packed-refs`.
    ///
    /// Git syncs the files themselves (`core.fsync`), but no folder: a ref could be lost by its name.
    /// - Parameter refs: The refs that were changed; deleted ones too.
    /// - Parameter before: The folders before any of it was changed: those that have not changed since are
    ///   left out. Nil syncs all.
    package func syncAfterPush(
        refs: [RefName], since before: FolderStamps? = nil, in path: String
    ) async throws {
        try await onThread {
            // What a name leads to is on the disk before the name.
            for folder in Self.folders(of: refs, in: path) where before?.isUnchanged(folder) != true {
                try DiskFile.sync(folder)
            }
        }
    }

    /// The folders in which a change of these refs may make or remove names, the deepest first.
    private static func folders(of refs: [RefName], in path: String) -> [String] {
        [path + "/objects/pack"] + refFolders(of: refs, in: path) + [path]
    }

    /// The folders below `refs` that hold the files of these refs, the deepest first.
    static func refFolders(of refs: [RefName], in path: String) -> [String] {
        var folders: Set<String> = []
        for ref in refs {
            var folder = DiskFile.parent(of: path + "/" + ref.full)
            while folder.utf8.count > path.utf8.count, folders.insert(folder).inserted {
                folder = DiskFile.parent(of: folder)
            }
        }
        return folders.sorted { $0.utf8.count > $1.utf8.count }
    }

    /// Writes the object of an annotated tag, on the disk when this returns; no ref is made.
    /// - Returns: The object, which the tag's ref is then to name.
    /// - Throws: ``GitStoreError/noSuchObject(_:)``, ``GitStoreError/invalidName(_:)`` for the tag's or
    ///   tagger's name.
    package func createAnnotatedTag(
        name: String, target: ObjectID, message: String, tagger: Signature, in path: String
    ) async throws -> ObjectID {
        guard (try? RefName.tag(name)) != nil else { throw GitStoreError.invalidName(name) }
        let made = try await reading(path) {
            try $0.writeTag(name, on: target, message: message, tagger: tagger)
        }
        try await onThread {
            try DiskFile.sync(path + "/objects/" + made.hex.prefix(2))
            try DiskFile.sync(path + "/objects")
        }
        return made
    }

    private static func transaction(_ changes: [RefUpdate]) -> ByteBuffer {
        var input = ByteBuffer()
        func write(_ fields: String...) {
            for field in fields {
                input.writeString(field)
                input.writeInteger(UInt8(0))
            }
        }
        write("start")
        for change in changes {
            if change.new.isZero && change.old.isZero {
                write("verify \(change.name.full)", change.old.hex)
            } else if change.new.isZero {
                write("delete \(change.name.full)", change.old.hex)
            } else {
                write("update \(change.name.full)", change.new.hex, change.old.hex)
            }
        }
        write("prepare")
        write("commit")
        return input
    }

    private func requireObjects(of changes: [RefUpdate], in path: String) async throws {
        try await reading(path) { repository in
            for change in changes where !change.new.isZero {
                guard let header = try repository.header(change.new) else {
                    throw GitStoreError.noSuchObject(change.new)
                }
                guard !change.name.isBranch || header.type == GIT_OBJECT_COMMIT else {
                    throw GitStoreError.wrongType(change.new, wanted: "commit")
                }
            }
        }
    }

    /// Finds out by the refs on disk why a transaction was refused; nil when they do not tell.
    private func reason(_ changes: [RefUpdate], in path: String) async throws -> GitStoreError? {
        let cache = shared.refs
        return try await onThread {
            for change in changes {
                let actual = try Self.target(of: change.name, in: path, cache: cache) ?? .zero
                guard actual == change.old else {
                    return .refConflict(name: change.name, expected: change.old, actual: actual)
                }
            }
            let deleted = Set(changes.filter(\.new.isZero).map(\.name.full))
            let names = try cache.snapshot(of: path).entries.map(\.name).filter { !deleted.contains($0) }
            for change in changes where change.old.isZero && !change.new.isZero {
                let other = (names + changes.filter { !$0.new.isZero }.map(\.name.full)).first { other in
                    RefBytes.hasPrefix(other, change.name.full + "/")
                        || RefBytes.hasPrefix(change.name.full, other + "/")
                }
                if let other { return .refBlocked(name: change.name, by: other) }
            }
            for change in changes where try FileStamp.of("\(path)/\(change.name.full).lock") != nil {
                return .locked(path: "\(path)/\(change.name.full)")
            }
            return nil
        }
    }
}

extension OpenRepository {
    /// Writes the object of an annotated tag.
    func writeTag(_ name: String, on target: ObjectID, message: String, tagger: Signature) throws -> ObjectID
    {
        guard let header = try header(target) else { throw GitStoreError.noSuchObject(target) }
        var oid = target.oid
        var object: OpaquePointer?
        try LibGit2.check(git_object_lookup(&object, handle, &oid, header.type), "read object \(target)")
        defer { git_object_free(object) }
        var signature: UnsafeMutablePointer<git_signature>?
        let seconds = tagger.timestamp.quotientAndRemainder(dividingBy: 1000).quotient
        let offset = CInt(clamping: tagger.offsetMinutes)
        guard git_signature_new(&signature, tagger.name, tagger.email, git_time_t(seconds), offset) == 0
        else {
            throw GitStoreError.invalidName(tagger.name)
        }
        defer { git_signature_free(signature) }
        let text = message.hasSuffix("\n") ? message : message + "\n"
        var made = git_oid()
        try LibGit2.check(
            git_tag_annotation_create(&made, handle, name, object, signature, text), "write tag \(name)")
        return ObjectID(made)
    }
}
