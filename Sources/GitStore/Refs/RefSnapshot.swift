import Crypto
import NIOCore
import Portable
import Synchronization

/// All refs of a repository, as they were at one time, and HEAD.
///
/// A ref whose file holds no hash is among them with the hash zero, and one whose object is missing like any
/// other: git tells clients of both, so that damage shows as an error instead of as a deletion.
final class RefSnapshot: Sendable {
    /// A ref, followed to its object.
    struct Entry {
        /// The full name, which need not be one that git accepts.
        let name: String
        /// The object; zero when the ref is damaged.
        let target: ObjectID
        /// The object behind a tag; nil when the target is no tag.
        let peeled: ObjectID?
        /// The ref that a symbolic one ends at.
        let symbolicTarget: String?
    }

    /// What HEAD says.
    struct Head: Hashable {
        /// The ref it ends at; nil when it names an object itself.
        let branch: String?
        /// The object; nil when the branch is not there yet.
        let target: ObjectID?
        /// The object behind a tag.
        let peeled: ObjectID?
    }

    /// How deep symbolic refs may point to each other, which is git's own limit.
    static let symbolicDepthMax = 5

    /// The refs in the order of their names.
    let entries: [Entry]
    /// HEAD; nil when it makes no sense.
    let head: Head?
    /// Whether a ref was left out because its object is missing, which may change without a change to the
    /// refs.
    let isIncomplete: Bool
    private let answers = Mutex<[LsRefsRequest: ByteBuffer]>([:])
    private let knownDigests = Mutex<GitStore.RefDigests?>(nil)

    /// Puts what is on disk together.
    /// - Parameter previous: An earlier snapshot; objects that it has seen are not looked for again.
    init(head: StoredRef.Value, stored: [StoredRef], path: String, previous: RefSnapshot?) throws {
        var objects = RefObjects(path: path, previous: previous)
        var entries: [Entry] = []
        entries.reserveCapacity(stored.count)
        for ref in stored {
            if ref.value == .broken || !RefBytes.isAcceptable(ref.name) {
                entries.append(Entry(name: ref.name, target: .zero, peeled: nil, symbolicTarget: nil))
                continue
            }
            // A symbolic ref that leads nowhere is not told of.
            guard let end = Self.follow(ref, in: stored), let target = end.target else { continue }
            let known: StoredRef.Peel = end.symbolicTarget == nil ? ref.peel : .unknown
            let peeled = try objects.peel(ref.name, at: target, known: known)
            entries.append(
                Entry(name: ref.name, target: target, peeled: peeled, symbolicTarget: end.symbolicTarget))
        }
        self.entries = entries
        isIncomplete = objects.isMissingAny
        guard let end = Self.follow(StoredRef(name: "HEAD", value: head), in: stored) else {
            self.head = nil
            return
        }
        let peeled = try end.target.flatMap { target -> ObjectID? in
            let branch = end.symbolicTarget.flatMap { Self.entry($0, in: entries) }
            if let branch, branch.target == target { return branch.peeled }
            return try objects.peel("HEAD", at: target, known: .unknown)
        }
        self.head = Head(branch: end.symbolicTarget, target: end.target, peeled: peeled)
    }

    /// The ref of this name.
    func entry(_ name: String) -> Entry? { Self.entry(name, in: entries) }

    /// An answer given before, or the one that is made now and kept.
    func answer(_ request: LsRefsRequest, _ make: () throws -> ByteBuffer) rethrows -> ByteBuffer {
        if let known = answers.withLock({ $0[request] }) { return known }
        let made = try make()
        answers.withLock { answers in
            if answers.count >= 8 { answers.removeAll() }
            answers[request] = made
        }
        return made
    }

    /// What other copies are compared by.
    var digests: GitStore.RefDigests {
        if let known = knownDigests.withLock({ $0 }) { return known }
        let digests = GitStore.RefDigests(
            content: digest(GitStore.isMirrored) ?? Self.text(SHA256().finalize()),
            pulls: digest { RefBytes.hasPrefix($0, GitStore.pullRequestPrefix) } ?? "", branch: head?.branch)
        knownDigests.withLock { $0 = digests }
        return digests
    }

    /// SHA-256, in hexadecimal, of the lines `name NUL hash LF` of some refs; nil when there are none.
    /// Without those that mirrors do not take over: symbolic and damaged ones.
    private func digest(_ isWanted: (String) -> Bool) -> String? {
        var hash = SHA256()
        var isEmpty = true
        for entry in entries
        where entry.symbolicTarget == nil && !entry.target.isZero && isWanted(entry.name) {
            isEmpty = false
            hash.update(data: Array("\(entry.name)\u{0}\(entry.target.hex)\n".utf8))
        }
        return isEmpty ? nil : Self.text(hash.finalize())
    }

    private static func text(_ digest: SHA256.Digest) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    private static func entry(_ name: String, in entries: [Entry]) -> Entry? {
        let place = RefBytes.lowerBound(name, in: entries, name: \.name)
        guard place < entries.count, entries[place].name.utf8.elementsEqual(name.utf8) else { return nil }
        return entries[place]
    }

    /// Follows a ref to its end; nil when it, or one on the way, is broken, or the way is too long.
    /// - Returns: No target when the last name on the way is not there.
    private static func follow(
        _ ref: StoredRef, in stored: [StoredRef]
    ) -> (target: ObjectID?, symbolicTarget: String?)? {
        var value = ref.value
        var last: String?
        for _ in 0...symbolicDepthMax {
            switch value {
            case .broken: return nil
            case .object(let id): return (id, last)
            case .symbolic(let name):
                guard RefBytes.isAcceptable(name) else { return nil }
                last = name
                let place = RefBytes.lowerBound(name, in: stored, name: \.name)
                guard place < stored.count, stored[place].name.utf8.elementsEqual(name.utf8) else {
                    return (nil, name)
                }
                value = stored[place].value
            }
        }
        return nil
    }
}

/// Finds out what is behind the tags among many refs; opens the repository only when it must.
private struct RefObjects {
    private let path: String
    private let previous: RefSnapshot?
    private var place = 0
    private var opened: OpenedOnce?
    private(set) var isMissingAny = false

    init(path: String, previous: RefSnapshot?) {
        self.path = path
        self.previous = previous
    }

    /// What is behind the object of a ref; names must come in their order.
    mutating func peel(_ name: String, at target: ObjectID, known: StoredRef.Peel) throws -> ObjectID? {
        switch known {
        case .notATag: return nil
        case .to(let id): return id
        case .unknown: break
        }
        if let seen = seen(name), seen.target == target { return seen.peeled }
        let opened = try opened ?? OpenedOnce(repository: OpenRepository(path))
        self.opened = opened
        // An unreadable object is told of like a missing one: the other refs are still there to be served.
        guard let header = try? opened.repository.header(target) else {
            isMissingAny = true
            return nil
        }
        return header.type == OpenRepository.tagType ? try? opened.repository.peeled(target) : nil
    }

    private mutating func seen(_ name: String) -> RefSnapshot.Entry? {
        guard let previous, !previous.isIncomplete else { return nil }
        let entries = previous.entries
        while place < entries.count, RefBytes.precedes(entries[place].name, name) { place += 1 }
        guard place < entries.count, entries[place].name.utf8.elementsEqual(name.utf8) else { return nil }
        return entries[place]
    }
}

/// A repository opened for one snapshot.
private final class OpenedOnce {
    let repository: OpenRepository

    init(repository: consuming OpenRepository) {
        self.repository = repository
    }
}
