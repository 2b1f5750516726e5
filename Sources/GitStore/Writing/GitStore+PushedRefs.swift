package import Portable

extension GitStore {
    /// The most refs that are changed in this process; more are git's work, which packs them.
    package static let directRefsMax = 32

    /// Changes refs in this process, each by its own file; what has been changed is on the disk when this
    /// returns.
    ///
    /// Takes no deletions, which need `packed-refs` to be written anew, and no symbolic refs.
    /// - Parameter changes: 1 to ``directRefsMax``, each of another ref, each to an object that is there.
    /// - Parameter isAtomic: All or none; else each for itself.
    /// - Returns: Why a ref was not changed, by name.
    /// - Throws: ``GitStoreError`` when the changes cannot be brought to the disk. Some may have happened
    ///   then.
    package func moveRefs(
        _ changes: [RefUpdate], isAtomic: Bool, in path: String
    ) async throws -> [RefName: GitStoreError] {
        let cache = shared.refs
        return try await onThread {
            let folders = Self.refFolders(of: changes.map(\.name), in: path)
            let before = FolderStamps(of: folders)
            var failures: [RefName: GitStoreError] = [:]
            var prepared: [LooseRefChange] = []
            for update in changes {
                do {
                    try Self.refuseBlocked(update, among: changes, in: path, cache: cache)
                    prepared.append(
                        try LooseRefChange(update, in: path) {
                            try Self.plainTarget(of: update.name, in: path, cache: cache)
                        })
                } catch let failure as GitStoreError {
                    failures[update.name] = failure
                    if isAtomic { break }
                }
            }
            if isAtomic, let failure = failures.values.first {
                for change in prepared { change.rollBack() }
                return Dictionary(
                    uniqueKeysWithValues: changes.map { ($0.name, failures[$0.name] ?? failure) })
            }
            for change in prepared {
                do {
                    try change.commit()
                } catch let failure as GitStoreError {
                    failures[change.update.name] = failure
                }
            }
            for folder in folders where !before.isUnchanged(folder) { try DiskFile.sync(folder) }
            return failures
        }
    }

    /// What a ref that is no symbolic one names; zero when it does not exist.
    private static func plainTarget(of name: RefName, in path: String, cache: RefCache) throws -> ObjectID {
        let file = try DiskFile.read(path + "/" + name.full).map { StoredRef.value(ofFile: $0) }
        switch try file ?? cache.packed(in: path).ref(name.full)?.value {
        case .object(let id): return id
        case nil: return .zero
        case .symbolic, .broken:
            throw GitStoreError.unreadable(
                operation: "change ref \(name)", reason: "its file holds no object")
        }
    }

    /// Refuses a new ref that cannot exist beside another, as `a` cannot beside `a/b`; what is a file shows
    /// when the lock is made, what is packed does not.
    private static func refuseBlocked(
        _ update: RefUpdate, among changes: [RefUpdate], in path: String, cache: RefCache
    ) throws {
        guard update.old.isZero else { return }
        let entries = try cache.packed(in: path).refs
        let name = update.name.full
        let next = RefBytes.lowerBound(name + "/", in: entries, name: \.name)
        if next < entries.count, RefBytes.hasPrefix(entries[next].name, name + "/") {
            throw GitStoreError.refBlocked(name: update.name, by: entries[next].name)
        }
        var parent = DiskFile.parent(of: name)
        while parent.utf8.count > "refs".utf8.count {
            let place = RefBytes.lowerBound(parent, in: entries, name: \.name)
            if place < entries.count, entries[place].name.utf8.elementsEqual(parent.utf8) {
                throw GitStoreError.refBlocked(name: update.name, by: parent)
            }
            parent = DiskFile.parent(of: parent)
        }
        let other = changes.first {
            RefBytes.hasPrefix($0.name.full, name + "/") || RefBytes.hasPrefix(name, $0.name.full + "/")
        }
        if let other { throw GitStoreError.refBlocked(name: update.name, by: other.name.full) }
    }
}
