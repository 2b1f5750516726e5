package import Portable

extension GitStore {
    /// Lists refs; damaged ones are left out, as are the server's own below `refs/perigee`.
    /// - Parameter prefix: What full names begin with, such as `refs/heads/`.
    /// - Parameter filter: What the displayed name contains; case does not matter.
    package func refs(
        in path: String, prefix: String = "refs/", filter: String? = nil, offset: Int = 0, limit: Int = .max,
        order: RefOrder = .alphabetical
    ) async throws -> [RefEntry] {
        let cache = shared.refs
        return try await onThread {
            let snapshot = try cache.snapshot(of: path)
            let wanted = filter?.lowercased() ?? ""
            let offset = max(0, offset)
            let limit = max(0, limit)
            var listed: [RefEntry] = []
            var place = RefBytes.lowerBound(prefix, in: snapshot.entries, name: \.name)
            var passed = 0
            while place < snapshot.entries.count, order == .modification || listed.count < limit {
                let entry = snapshot.entries[place]
                place += 1
                guard RefBytes.hasPrefix(entry.name, prefix) else { break }
                guard !Self.isHidden(entry.name) || Self.isHidden(prefix) else { continue }
                guard !entry.target.isZero, let name = try? RefName(entry.name) else { continue }
                guard wanted.isEmpty || name.display.lowercased().contains(wanted) else { continue }
                passed += 1
                guard order == .modification || passed > offset else { continue }
                listed.append(RefEntry(name: name, target: entry.target, peeled: entry.peeled))
            }
            guard order == .modification else { return listed }
            return Array(try Self.latestFirst(listed, in: path).dropFirst(offset).prefix(limit))
        }
    }

    /// The ref as it is on disk now, whether or not its object is there; nil when there is none of this name.
    ///
    /// Of a symbolic ref it is the one at the end.
    package func ref(_ name: RefName, in path: String) async throws -> RefEntry? {
        let cache = shared.refs
        return try await onThread { try Self.read(name, in: path, cache: cache) }
    }

    /// What HEAD says.
    /// - Throws: ``GitStoreError/notARepository(path:reason:)`` when it says nothing that makes sense.
    package func head(in path: String) async throws -> HeadState {
        let cache = shared.refs
        return try await onThread {
            guard let content = try DiskFile.read(path + "/HEAD") else {
                throw GitStoreError.notARepository(path: path, reason: "it has no HEAD")
            }
            switch StoredRef.value(ofFile: content) {
            case .object(let id): return .detached(id)
            case .symbolic(let branch):
                if let name = try? RefName(branch) {
                    return .branch(name, exists: try Self.read(name, in: path, cache: cache) != nil)
                }
                fallthrough
            case .broken: throw GitStoreError.notARepository(path: path, reason: "its HEAD is damaged")
            }
        }
    }

    /// Finds the commit that a text names: a full or short hash, a branch, a tag, or a full ref name.
    ///
    /// A branch wins over a tag, and both over a short hash. No expressions: nothing with `^`, `~`, `:` or
    /// `@{` in it.
    /// - Returns: nil when nothing, or no commit, goes by that name, or when a short hash (4 digits or more)
    ///   fits several.
    package func resolve(_ revision: String, in path: String) async throws -> ObjectID? {
        let cache = shared.refs
        return try await reading(path) { repository in
            if let id = ObjectID(revision) { return try Self.commit(behind: id, in: repository) }
            if revision == "HEAD" {
                return try cache.snapshot(of: path).head.flatMap { $0.peeled ?? $0.target }
                    .flatMap { try Self.commit(behind: $0, in: repository) }
            }
            let isFull = revision.utf8.starts(with: "refs/".utf8)
            for prefix in isFull ? [""] : ["refs/heads/", "refs/tags/"] {
                guard let name = try? RefName(prefix + revision) else { continue }
                guard let entry = try Self.read(name, in: path, cache: cache) else { continue }
                return try Self.commit(behind: entry.target, in: repository)
            }
            guard let id = try repository.unabbreviated(revision) else { return nil }
            return try Self.commit(behind: id, in: repository)
        }
    }

    /// Whether clients neither see nor change a ref of this name.
    static func isHidden(_ name: String) -> Bool {
        RefBytes.hasPrefix(name, GitEnvironment.hiddenRefsPrefix + "/")
    }

    /// Reads one ref from the disk. Blocks.
    static func read(_ name: RefName, in path: String, cache: RefCache) throws -> RefEntry? {
        guard let target = try target(of: name, in: path, cache: cache) else { return nil }
        return RefEntry(name: name, target: target, peeled: try OpenRepository(path).peeled(target))
    }

    /// Reads what one ref ends at from the disk. Blocks.
    static func target(of name: RefName, in path: String, cache: RefCache) throws -> ObjectID? {
        var next = name.full
        for _ in 0...RefSnapshot.symbolicDepthMax {
            let value = try DiskFile.read(path + "/" + next).map { StoredRef.value(ofFile: $0) }
            switch try value ?? cache.packed(in: path).ref(next)?.value {
            case .object(let id): return id
            case .symbolic(let target):
                guard RefBytes.isAcceptable(target), RefBytes.hasPrefix(target, "refs/") else { return nil }
                next = target
            case .broken:
                throw GitStoreError.unreadable(operation: "read ref \(next)", reason: "the file is damaged")
            case nil: return nil
            }
        }
        return nil
    }

    private static func commit(
        behind id: ObjectID, in repository: borrowing OpenRepository
    ) throws -> ObjectID? {
        let end = try repository.peeled(id) ?? id
        return try repository.header(end)?.type == OpenRepository.commitType ? end : nil
    }

    private static func latestFirst(_ entries: [RefEntry], in path: String) throws -> [RefEntry] {
        let repository = try OpenRepository(path)
        let timed = try entries.map { entry in (entry, try repository.commitTime(entry.object) ?? .min) }
        return timed.sorted { left, right in
            left.1 == right.1 ? left.0.name < right.0.name : left.1 > right.1
        }.map(\.0)
    }
}
