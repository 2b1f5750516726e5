import CGit2
import Glibc
package import NIOCore

extension GitStore {
    /// The largest pack that ``indexSmallPack(_:in:)`` takes, in bytes.
    package static let smallPackMax = 256 * 1024
    /// How many objects of a small pack may be new: each is looked for in all packs of the repository.
    private static let smallPackObjectsMax = 256
    /// What its objects may take in this process's memory.
    private static let smallPackMemoryMax: UInt64 = 32 * 1024 * 1024
    /// How many objects its commits and trees may refer to.
    private static let smallPackLinksMax = 4096

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
            let isTaken = Self.index(pack, into: folder, of: repository)
            if isTaken { try DiskFile.sync(folder) }
            return isTaken
        }
    }

    /// Checks a small pack of anybody, and keeps it in the quarantine, on the disk, without a program.
    ///
    /// It takes nothing that ``indexPack(into:maxInputBytes:)`` does not take. Of objects that git's fsck may
    /// have something to say of it takes none: see ``PlainObject``.
    /// - Returns: Whether it was taken. If not, the quarantine is as it was, and git is to judge.
    package func indexSmallPack(_ pack: ByteBuffer, into quarantine: Quarantine) async throws -> Bool {
        guard pack.readableBytes <= Self.smallPackMax else { return false }
        return try await reading(quarantine.repository) { repository in
            let folder = quarantine.path + "/pack"
            if Self.index(pack, into: folder, of: repository),
                try NewObjects(quarantine).arePlain(in: repository, linksMax: Self.smallPackLinksMax)
            {
                return true
            }
            try quarantine.empty()
            return false
        }
    }

    private static func index(
        _ pack: ByteBuffer, into folder: String, of repository: borrowing OpenRepository
    ) -> Bool {
        pack.withUnsafeReadableBytes { bytes in
            let outline = PackOutline(
                bytes, objectsMax: Self.smallPackObjectsMax, bytesMax: Self.smallPackMemoryMax)
            // No objects: nothing is to be kept.
            guard let outline, outline.objects > 0 else { return false }
            return repository.index(bytes, into: folder)
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
        guard hasRoom(in: folder), git_indexer_new(&indexer, folder, 0o444, objects, &options) == 0 else {
            return false
        }
        // What was not committed goes with it.
        defer { git_indexer_free(indexer) }
        var progress = git_indexer_progress()
        var rest = pack[...]
        while !rest.isEmpty {
            let part = UnsafeRawBufferPointer(rebasing: rest.prefix(Self.partLength))
            guard git_indexer_append(indexer, part.baseAddress, part.count, &progress) == 0 else {
                return false
            }
            rest = rest.dropFirst(part.count)
        }
        return git_indexer_commit(indexer, &progress) == 0
    }

    /// The indexer writes through memory: where the disk has no room for that, the kernel ends the process.
    /// It asks for room for the last page of each part, so a part is a page.
    private static let partLength = 4096
    /// Bases of deltas are written in one part each, and others write meanwhile.
    private static let roomMin: UInt64 = 128 * 1024 * 1024

    private func hasRoom(in folder: String) -> Bool {
        var status = statvfs()
        guard statvfs(folder, &status) == 0 else { return false }
        let (room, isTooMuch) = UInt64(status.f_bavail).multipliedReportingOverflow(
            by: UInt64(status.f_frsize))
        return isTooMuch || room >= Self.roomMin
    }
}
