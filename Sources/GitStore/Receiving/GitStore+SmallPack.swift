import CGit2
package import NIOCore

extension GitStore {
    /// The largest pack that ``indexSmallPack(_:in:)`` takes, in bytes.
    package static let smallPackMax = 256 * 1024
    /// How many objects of a small pack may be new: each is looked for in all packs of the repository.
    private static let smallPackObjectsMax = 256
    /// What its objects may take in this process's memory.
    private static let smallPackMemoryMax: UInt64 = 32 * 1024 * 1024

    /// Checks a small pack of a server that has checked its objects by itself, and makes its objects part of
    /// the repository, on the disk when this returns, without a program.
    ///
    /// As ``indexPack(into:maxInputBytes:)`` it takes no object that refers to one that is neither in the
    /// pack nor in the repository, and none whose content is not what its name says; but it does not look for
    /// the faults that git's fsck knows. There is no quarantine: nobody is asked whether they may stay.
    /// - Returns: Whether it was taken. If not, nothing has changed, and git can say why, or do it: the pack
    ///   may be none, or lack something, or only be too large to be put together in memory.
    package func indexSmallPack(_ pack: ByteBuffer, in path: String) async throws -> Bool {
        guard pack.readableBytes <= Self.smallPackMax else { return false }
        return try await reading(path) { repository in
            let folder = path + "/objects/pack"
            let isTaken = pack.withUnsafeReadableBytes { bytes in
                let outline = PackOutline(
                    bytes, objectsMax: Self.smallPackObjectsMax, bytesMax: Self.smallPackMemoryMax)
                // No objects: nothing is to be kept.
                guard let outline, outline.objects > 0 else { return false }
                return repository.index(bytes, into: folder)
            }
            if isTaken { try DiskFile.sync(folder) }
            return isTaken
        }
    }
}

extension OpenRepository {
    /// - Returns: Whether the pack is sound and complete, and is there with its index.
    fileprivate func index(_ pack: UnsafeRawBufferPointer, into folder: String) -> Bool {
        var options = git_indexer_options()
        git_indexer_options_init(&options, CUnsignedInt(GIT_INDEXER_OPTIONS_VERSION))
        options.verify = 1
        var indexer: OpaquePointer?
        guard git_indexer_new(&indexer, folder, 0o444, objects, &options) == 0 else { return false }
        // What was not committed goes with it.
        defer { git_indexer_free(indexer) }
        var progress = git_indexer_progress()
        return git_indexer_append(indexer, pack.baseAddress, pack.count, &progress) == 0
            && git_indexer_commit(indexer, &progress) == 0
    }
}
