import CGit2
import NIOCore
package import Portable

extension GitStore {
    /// What is at a path of a commit's files; the empty path is the root.
    /// - Returns: nil when nothing is there.
    /// - Throws: ``GitStoreError/noSuchObject(_:)`` when the commit is not there.
    package func entry(at filePath: String, commit: ObjectID, in path: String) async throws -> TreeEntry? {
        try await reading(path) { repository in
            guard let record = try repository.commitRecord(commit) else {
                throw GitStoreError.noSuchObject(commit)
            }
            let names = filePath.split(separator: "/", omittingEmptySubsequences: true)
            guard !names.isEmpty else {
                return TreeEntry(name: "", kind: .directory, id: record.tree, mode: 0o040000)
            }
            guard !filePath.utf8.contains(0) else { return nil }
            return try repository.withTree(record.tree) { tree in
                var entry: OpaquePointer?
                let code = git_tree_entry_bypath(&entry, tree, names.joined(separator: "/"))
                if code == GIT_ENOTFOUND.rawValue { return nil }
                try LibGit2.check(code, "find \(filePath) in \(commit)")
                defer { git_tree_entry_free(entry) }
                return try entry.map { try repository.treeEntry($0) }
            }
        }
    }

    /// The entries of a folder, in git's order.
    /// - Parameter tree: A tree, as ``entry(at:commit:in:)`` tells it.
    /// - Throws: ``GitStoreError/noSuchObject(_:)``, ``GitStoreError/wrongType(_:wanted:)``.
    package func children(of tree: ObjectID, in path: String) async throws -> [TreeEntry] {
        try await reading(path) { repository in
            try repository.withTree(tree) { handle in
                try (0..<git_tree_entrycount(handle)).compactMap { number in
                    try git_tree_entry_byindex(handle, number).map { try repository.treeEntry($0) }
                }
            }
        }
    }

    /// The content of a file, or its beginning.
    /// - Parameter bytesMax: How much is read at most.
    /// - Throws: ``GitStoreError/noSuchObject(_:)``, ``GitStoreError/wrongType(_:wanted:)``.
    package func blob(_ id: ObjectID, in path: String, bytesMax: Int) async throws -> Blob {
        let bytesMax = max(0, bytesMax)
        let whole = try await reading(path) { repository -> (bytes: [UInt8]?, size: Int64) in
            guard let header = try repository.header(id) else { throw GitStoreError.noSuchObject(id) }
            guard header.type == GIT_OBJECT_BLOB else { throw GitStoreError.wrongType(id, wanted: "file") }
            // A file much larger than what is wanted of it is not loaded whole.
            guard header.size <= max(Int64(bytesMax), 1024 * 1024) else { return (nil, header.size) }
            return (try repository.blobBytes(id), header.size)
        }
        let bytes =
            if let bytes = whole.bytes { bytes } else {
                try await beginning(of: id, in: path, bytesMax: bytesMax)
            }
        let isBinary = bytes.prefix(8000).contains(0)
        return Blob(bytes: Array(bytes.prefix(bytesMax)), size: whole.size, isBinary: isBinary)
    }

    private func beginning(of id: ObjectID, in path: String, bytesMax: Int) async throws -> [UInt8] {
        let wanted = max(bytesMax, 8000)
        return try await blobStream(id, in: path).run { process in
            process.finishInput()
            var bytes: [UInt8] = []
            for try await portion in process.output {
                bytes.append(contentsOf: portion.readableBytesView.prefix(wanted - bytes.count))
                if bytes.count >= wanted { break }
            }
            process.terminate(grace: .zero)
            return bytes
        }
    }
}

extension OpenRepository {
    /// Calls the body with a tree.
    func withTree<R>(_ id: ObjectID, _ body: (OpaquePointer) throws -> R) throws -> R {
        guard let header = try header(id) else { throw GitStoreError.noSuchObject(id) }
        guard header.type == GIT_OBJECT_TREE else { throw GitStoreError.wrongType(id, wanted: "folder") }
        var oid = id.oid
        var tree: OpaquePointer?
        try LibGit2.check(git_tree_lookup(&tree, handle, &oid), "read tree \(id)")
        defer { git_tree_free(tree) }
        guard let tree else { throw GitStoreError.noSuchObject(id) }
        return try body(tree)
    }

    /// Describes one entry of a tree.
    func treeEntry(_ entry: OpaquePointer) throws -> TreeEntry {
        guard let name = git_tree_entry_name(entry), let oid = git_tree_entry_id(entry) else {
            throw LibGit2.failure("read a tree")
        }
        let id = ObjectID(oid.pointee)
        let kind: TreeEntry.Kind =
            switch git_tree_entry_type(entry) {
            case GIT_OBJECT_TREE: .directory
            case GIT_OBJECT_COMMIT: .submodule
            default: .file
            }
        return TreeEntry(
            name: String(cString: name), kind: kind, id: id,
            mode: UInt32(truncatingIfNeeded: git_tree_entry_filemode(entry).rawValue),
            size: kind == .file ? try header(id)?.size : nil)
    }

    /// The whole content of a file.
    func blobBytes(_ id: ObjectID) throws -> [UInt8] {
        var oid = id.oid
        var blob: OpaquePointer?
        try LibGit2.check(git_blob_lookup(&blob, handle, &oid), "read file \(id)")
        defer { git_blob_free(blob) }
        guard let content = git_blob_rawcontent(blob) else { return [] }
        return Array(UnsafeRawBufferPointer(start: content, count: Int(git_blob_rawsize(blob))))
    }
}
