import Synchronization

/// The refs of repositories that were asked for lately. Every answer is checked against the disk first.
final class RefCache: Sendable {
    private struct Known {
        var packed: PackedRefs
        var loose: LooseRefs?
        var head: [UInt8]
        var snapshot: RefSnapshot?
        var lastUse: UInt64

        var weight: Int { packed.refs.count + (snapshot?.entries.count ?? 0) + 16 }
    }

    private struct State {
        var known: [String: Known] = [:]
        var weight = 0
        var uses: UInt64 = 0
    }

    /// How many refs are kept of all repositories together, about 100 bytes each; one repository may have
    /// more.
    private static let weightMax = 400_000
    private let state = Mutex(State())

    /// All refs of a repository as they are on disk now. Blocks on the disk.
    /// - Throws: ``GitStoreError/notARepository(path:reason:)``, or what reading gives.
    func snapshot(of path: String) throws -> RefSnapshot {
        let known = state.withLock { $0.known[path] }
        guard let head = try DiskFile.read(path + "/HEAD") else {
            forget(path)
            throw GitStoreError.notARepository(path: path, reason: "it has no HEAD")
        }
        // Loose refs first: a ref that is being packed is then in one of the two.
        let loose = try LooseRefs.read(path + "/refs", prefix: "refs/", previous: known?.loose)
        let packed = try PackedRefs.read(in: path, previous: known?.packed)
        if let known, let snapshot = known.snapshot, !snapshot.isIncomplete, known.head == head,
            known.loose === loose, known.packed === packed
        {
            touch(path)
            return snapshot
        }
        let snapshot = try RefSnapshot(
            head: StoredRef.value(ofFile: head), stored: Self.merge(loose, packed), path: path,
            previous: known?.snapshot)
        keep(path, Known(packed: packed, loose: loose, head: head, snapshot: snapshot, lastUse: 0))
        return snapshot
    }

    /// The packed refs of a repository as they are on disk now. Blocks on the disk.
    func packed(in path: String) throws -> PackedRefs {
        let known = state.withLock { $0.known[path] }
        let packed = try PackedRefs.read(in: path, previous: known?.packed)
        if known?.packed !== packed {
            // The snapshot stays: it is compared with its own parts, and serves to build the next.
            keep(
                path,
                Known(
                    packed: packed, loose: nil, head: [], snapshot: known?.snapshot, lastUse: 0))
        }
        return packed
    }

    /// Forgets a repository that is no more.
    func forget(_ path: String) {
        state.withLock { state in
            guard let old = state.known.removeValue(forKey: path) else { return }
            state.weight -= old.weight
        }
    }

    private func touch(_ path: String) {
        state.withLock { state in
            state.uses += 1
            state.known[path]?.lastUse = state.uses
        }
    }

    private func keep(_ path: String, _ new: Known) {
        state.withLock { state in
            state.uses += 1
            var new = new
            new.lastUse = state.uses
            state.weight += new.weight - (state.known.updateValue(new, forKey: path)?.weight ?? 0)
            guard state.weight > Self.weightMax else { return }
            // Some more at once: with ten thousand repositories each look for the oldest one is long.
            for (path, old) in state.known.sorted(by: { $0.value.lastUse < $1.value.lastUse }).dropLast() {
                state.weight -= old.weight
                state.known[path] = nil
                if state.weight <= Self.weightMax / 8 * 7 { break }
            }
        }
    }

    private static func merge(_ loose: LooseRefs?, _ packed: PackedRefs) -> [StoredRef] {
        var files: [StoredRef] = []
        loose?.collect(into: &files)
        files.sort { RefBytes.precedes($0.name, $1.name) }
        guard !packed.refs.isEmpty else { return files }
        var merged: [StoredRef] = []
        merged.reserveCapacity(files.count + packed.refs.count)
        var next = files.startIndex
        for ref in packed.refs {
            while next < files.endIndex, RefBytes.precedes(files[next].name, ref.name) {
                merged.append(files[next])
                next += 1
            }
            if next < files.endIndex, files[next].name.utf8.elementsEqual(ref.name.utf8) { continue }
            merged.append(ref)
        }
        merged.append(contentsOf: files[next...])
        return merged
    }
}
