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
        let pack: PushedPack
        let number: UInt64
        let time: ContinuousClock.Instant
    }

    private struct State {
        /// By each of their tips.
        var entries: [Key: Entry] = [:]
        /// Of the packs of all entries; those with several tips count for each.
        var bytes = 0
        var lastNumber: UInt64 = 0
        var lastAsked: ContinuousClock.Instant?
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
        state.withLock { state in
            Self.forgetOld(&state)
            let size = pack.bytes.readableBytes * pack.tips.count
            guard state.bytes + size <= Self.bytesMax else { return }
            state.lastNumber += 1
            for tip in pack.tips {
                let entry = Entry(pack: pack, number: state.lastNumber, time: .now)
                let before = state.entries.updateValue(entry, forKey: Key(repository: repository, tip: tip))
                state.bytes += pack.bytes.readableBytes - (before?.pack.bytes.readableBytes ?? 0)
            }
        }
    }

    /// The packs that bring these tips to somebody who has these objects, in the order of their pushes; none
    /// when one is missing.
    package func packs(
        with tips: [ObjectID], having haves: [ObjectID], in repository: RepositoryID
    ) -> [PushedPack] {
        state.withLock { state in
            state.lastAsked = .now
            Self.forgetOld(&state)
            var found: [UInt64: PushedPack] = [:]
            var known = Set(haves)
            var wanted = tips
            while let tip = wanted.popLast() {
                guard known.insert(tip).inserted else { continue }
                guard let entry = state.entries[Key(repository: repository, tip: tip)],
                    found.count < Self.chainMax
                else { return [] }
                found[entry.number] = entry.pack
                known.formUnion(entry.pack.tips)
                wanted += entry.pack.bases
            }
            return found.sorted { $0.key < $1.key }.map(\.value)
        }
    }

    private static func forgetOld(_ state: inout State) {
        let now = ContinuousClock.now
        for (key, entry) in state.entries where now - entry.time > keptFor {
            state.entries[key] = nil
            state.bytes -= entry.pack.bytes.readableBytes
        }
    }
}
