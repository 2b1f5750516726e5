package import Portable

/// Folders of repositories whose content can be got again at any time, many at once.
extension GitStore {
    /// A repository that is to be at a path, with a HEAD that names a branch.
    package struct Copy: Sendable, Hashable {
        let path: String
        let head: RefName

        /// - Parameter path: Those of one call lie in one folder.
        /// - Parameter head: A branch.
        package init(path: String, head: RefName) {
            self.path = path
            self.head = head
        }
    }

    /// More folders than these are brought to the disk together, with whatever else is written there.
    private static let syncsMax = 4

    /// Which of the repositories are not there, or lack what each has, as a power cut leaves them.
    /// - Returns: In the order of the paths.
    /// - Throws: What looking at them gives.
    package func areIncomplete(_ paths: [String]) async throws -> [Bool] {
        try await results(onThreads(paths) { path in Result { try Self.head(ofWhole: path) == nil } })
    }

    /// Makes an empty repository of each that is not there, or is incomplete, whose content is then lost, and
    /// sets the HEAD of the others; when this returns all of it is on the disk.
    /// - Throws: What the first that did not go well gives; the others are made.
    package func make(_ copies: [Copy]) async throws {
        let isSynced = copies.count <= Self.syncsMax
        let cache = shared.refs
        let made = await onThreads(copies) { copy in
            Result { try Self.make(copy, isSynced: isSynced, cache: cache) }
        }
        let isNew = try results(made)
        guard let first = copies.first, isNew.contains(true) else { return }
        let parent = DiskFile.parent(of: first.path)
        try await onThread {
            if !isSynced { try DiskFile.syncAll(on: parent) }
            Self.empty(parent + "/.trash")
        }
    }

    private func results<Value>(_ given: [Result<Value, any Error>?]) throws -> [Value] {
        try given.map { result in
            guard let result else {
                try Task.checkCancellation()
                throw GitStoreError.stopped
            }
            return try result.get()
        }
    }

    /// - Returns: Whether it was not there.
    private static func make(_ copy: Copy, isSynced: Bool, cache: RefCache) throws -> Bool {
        if let head = try head(ofWhole: copy.path) {
            if head != .symbolic(copy.head.full) { try setHead(copy.head, in: copy.path) }
            return false
        }
        cache.forget(copy.path)
        if try FileStamp.of(copy.path) != nil { _ = try discard(copy.path) }
        do {
            try create(copy.path, head: copy.head, isSynced: isSynced)
        } catch GitStoreError.alreadyExists {
            // Somebody else has made it meanwhile.
        }
        cache.forget(copy.path)
        return true
    }

    /// What the HEAD of a repository says; nil when there is none, or it lacks a part without which git takes
    /// it for none.
    private static func head(ofWhole path: String) throws -> StoredRef.Value? {
        guard let content = try DiskFile.read(path + "/HEAD"),
            try FileStamp.of(path + "/objects")?.isFolder == true,
            try FileStamp.of(path + "/refs")?.isFolder == true,
            try DiskFile.read(path + "/config")?.isEmpty == false
        else { return nil }
        switch StoredRef.value(ofFile: content) {
        case .broken: return nil
        case .symbolic(let name) where (try? RefName(name)) == nil: return nil
        case let head: return head
        }
    }
}
