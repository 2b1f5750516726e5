package import GitStore
package import NIOCore
package import Portable
internal import Synchronization

/// The packs of small pushes, for a while, as they came: a mirror that has what the refs were before needs
/// just them.
///
/// A client leaves out what it knows to be on this server, on whichever ref, so a pack may lack what a mirror
/// does not have; who takes one checks that it is complete and asks for another one if it is not. Packs are
/// kept only while somebody asks for some.
package final class PushedPacks: Sendable {
    private struct Key: Hashable {
        let repository: RepositoryID
        let tips: Set<ObjectID>
    }

    private struct Entry {
        let pack: ByteBuffer
        /// What the client built upon.
        let bases: Set<ObjectID>
        let time: ContinuousClock.Instant
    }

    private struct State {
        var entries: [Key: Entry] = [:]
        var bytes = 0
        var lastAsked: ContinuousClock.Instant?
    }

    private let state = Mutex(State())

    /// How much of all packs is kept, in bytes.
    private static let bytesMax = 16 * 1024 * 1024
    private static let keptFor = Duration.seconds(30)
    /// Nobody has asked for longer than this: nothing is kept.
    private static let askedWithin = Duration.seconds(120)

    package init() {}

    /// Whether somebody asks for packs at present.
    package var isWanted: Bool {
        state.withLock { state in
            state.lastAsked.map { .now - $0 < Self.askedWithin } ?? false
        }
    }

    /// Keeps the whole pack of a push that has been accepted, before its refs move.
    package func keep(_ pack: ByteBuffer, of updates: [RefUpdate], in repository: RepositoryID) {
        let key = Key(repository: repository, tips: Set(updates.map(\.new).filter { !$0.isZero }))
        let bases = Set(updates.map(\.old).filter { !$0.isZero })
        state.withLock { state in
            Self.forgetOld(&state)
            guard !key.tips.isEmpty, state.bytes + pack.readableBytes <= Self.bytesMax else { return }
            let before = state.entries.updateValue(Entry(pack: pack, bases: bases, time: .now), forKey: key)
            state.bytes += pack.readableBytes - (before?.pack.readableBytes ?? 0)
        }
    }

    /// The pack that brought just these tips to somebody who has these objects; nil when none did.
    package func pack(
        with tips: [ObjectID], having haves: [ObjectID], in repository: RepositoryID
    ) -> ByteBuffer? {
        state.withLock { state in
            state.lastAsked = .now
            Self.forgetOld(&state)
            let entry = state.entries[Key(repository: repository, tips: Set(tips))]
            guard let entry, entry.bases.isSubset(of: haves) else { return nil }
            return entry.pack
        }
    }

    private static func forgetOld(_ state: inout State) {
        let now = ContinuousClock.now
        for (key, entry) in state.entries where now - entry.time > keptFor {
            state.entries[key] = nil
            state.bytes -= entry.pack.readableBytes
        }
    }
}
