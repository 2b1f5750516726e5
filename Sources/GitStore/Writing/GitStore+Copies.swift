package import Portable

/// Folders of repositories whose content can be got again at any time, many at once.
///
/// Nothing waits for the disk: what a power cut takes is found by ``areIncomplete(_:)`` and made again.
extension GitStore {
    /// A repository that is to be at a path, with a HEAD that names a branch.
    package struct Copy: Sendable, Hashable {
        let path: String
        let head: RefName

        /// - Parameter head: A branch.
        package init(path: String, head: RefName) {
            self.path = path
            self.head = head
        }
    }

    /// Which of the repositories are not there, or lack what each has, as a power cut leaves them.
    /// - Returns: In the order of the paths.
    /// - Throws: What looking at them gives.
    package func areIncomplete(_ paths: [String]) async throws -> [Bool] {
        try await results(onThreads(paths) { path in Result { try Self.head(ofWhole: path) == nil } })
    }

    /// Makes an empty repository of each that is not there, or is incomplete, whose content is then lost, and
    /// sets the HEAD of the others.
    /// - Throws: What the first that did not go well gives; the others are made.
    package func make(_ copies: [Copy]) async throws {
        let cache = shared.refs
        let made = await onThreads(copies) { copy in
            Result { try Self.make(copy, cache: cache) }
        }
        let trash = Set(try results(made).compactMap { $0 })
        guard !trash.isEmpty else { return }
        try await onThread { for folder in trash { Self.empty(folder) } }
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

    /// - Returns: Where what was in its place waits to be removed, if anything was.
    private static func make(_ copy: Copy, cache: RefCache) throws -> String? {
        if let head = try head(ofWhole: copy.path) {
            if head != .symbolic(copy.head.full) { try setHead(copy.head, in: copy.path) }
            return nil
        }
        defer { cache.forget(copy.path) }
        let trash = try FileStamp.of(copy.path) == nil ? nil : discard(copy.path)
        do {
            try create(copy.path, head: copy.head, isSynced: false)
        } catch GitStoreError.alreadyExists {
            // Somebody else has made it meanwhile.
        }
        return trash
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
