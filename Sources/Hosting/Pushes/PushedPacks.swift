package import GitStore
package import NIOCore
package import Portable
internal import Synchronization

/// The pack of a small push, as it came.
package struct PushedPack: Sendable, Hashable {
    /// What the refs of the push name now.
    package let tips: Set<ObjectID>
    /// What they named before.
    package let bases: Set<ObjectID>
    /// The pack.
    package let bytes: ByteBuffer

    /// The pack of a push that made these changes.
    package init(_ bytes: ByteBuffer, of updates: [RefUpdate]) {
        self.init(
            bytes, tips: Set(updates.map(\.new).filter { !$0.isZero }),
            bases: Set(updates.map(\.old).filter { !$0.isZero }))
    }

    /// A pack that came from another server.
    package init(_ bytes: ByteBuffer, tips: Set<ObjectID>, bases: Set<ObjectID>) {
        self.bytes = bytes
        self.tips = tips
        self.bases = bases
    }
}

/// The packs of small pushes, for a while: a mirror that has what the refs were before needs just them.
///
/// A client leaves out what it knows to be on this server, on whichever ref, so a pack may lack what a mirror
/// does not have; who takes one checks that it is complete and asks for another one if it is not. Packs are
/// kept only while somebody asks for some.
package final class PushedPacks: Sendable {
    private struct Key: Hashable {
        let repository: RepositoryID
        let tip: ObjectID
    }

    private struct Entry {
        let repository: RepositoryID
        let pack: PushedPack
        let time: ContinuousClock.Instant
    }

    private struct State {
        /// By their numbers, which follow each other from ``first`` to ``last``.
        var entries: [UInt64: Entry] = [:]
        var first: UInt64 = 1
        var last: UInt64 = 0
        /// The last push that made each tip.
        var numbers: [Key: UInt64] = [:]
        var bytes = 0
        var lastAsked: ContinuousClock.Instant?

        /// Forgets what is old, and the oldest until there is so much room.
        mutating func forget(room: Int = 0) {
            let now = ContinuousClock.now
            while let oldest = entries[first],
                now - oldest.time > PushedPacks.keptFor || bytes + room > PushedPacks.bytesMax
            {
                for tip in oldest.pack.tips {
                    let key = Key(repository: oldest.repository, tip: tip)
                    if numbers[key] == first { numbers[key] = nil }
                }
                bytes -= oldest.pack.bytes.readableBytes
                entries[first] = nil
                first += 1
            }
        }
    }

    private let state = Mutex(State())

    /// How much of all packs is kept, in bytes.
    private static let bytesMax = 16 * 1024 * 1024
    private static let keptFor = Duration.seconds(30)
    /// Nobody has asked for longer than this: nothing is kept.
    private static let askedWithin = Duration.seconds(120)
    /// How many pushes are put after each other.
    private static let chainMax = 64

    /// Nothing yet.
    package init() {}

    /// Whether somebody asks for packs at present.
    package var isWanted: Bool {
        state.withLock { state in
            state.lastAsked.map { .now - $0 < Self.askedWithin } ?? false
        }
    }

    /// Keeps the whole pack of a push that has been accepted, before its refs move.
    package func keep(_ pack: PushedPack, in repository: RepositoryID) {
        let size = pack.bytes.readableBytes
        guard !pack.tips.isEmpty, size <= Self.bytesMax else { return }
        state.withLock { state in
            state.forget(room: size)
            state.last += 1
            state.entries[state.last] = Entry(repository: repository, pack: pack, time: .now)
            state.bytes += size
            for tip in pack.tips { state.numbers[Key(repository: repository, tip: tip)] = state.last }
        }
    }

    /// The packs that bring these tips to somebody who has these objects, in the order of their pushes; none
    /// when one is missing.
    package func packs(
        with tips: [ObjectID], having haves: [ObjectID], in repository: RepositoryID
    ) -> [PushedPack] {
        state.withLock { state in
            state.lastAsked = .now
            state.forget()
            var found: [UInt64: PushedPack] = [:]
            var known = Set(haves)
            var wanted = tips
            while let tip = wanted.popLast() {
                guard known.insert(tip).inserted else { continue }
                guard let number = state.numbers[Key(repository: repository, tip: tip)],
                    let pack = state.entries[number]?.pack, found.count < Self.chainMax
                else { return [] }
                found[number] = pack
                known.formUnion(pack.tips)
                wanted += pack.bases
            }
            return found.sorted { $0.key < $1.key }.map(\.value)
        }
    }
}
