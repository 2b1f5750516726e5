import GitStore
import Hosting
import NIOCore
import Portable
import Testing

/// Which packs of pushes bring somebody from what he has to what he wants.
@Suite struct PushedPackTests {
    private let packs = PushedPacks()
    private let repository = RepositoryID(7)

    private func id(_ number: Int) throws -> ObjectID {
        try #require(ObjectID(String(repeating: "0", count: 37) + String(number + 100)))
    }

    private func keep(_ moves: (from: Int?, to: Int)...) throws -> ByteBuffer {
        let bytes = ByteBuffer(string: moves.map { "\($0.to)" }.joined(separator: " "))
        let updates = try moves.enumerated().map { number, move in
            RefUpdate(
                name: try .branch("b\(number)"), old: try move.from.map { try id($0) } ?? .zero,
                new: try id(move.to))
        }
        packs.keep(PushedPack(bytes, of: updates), in: repository)
        return bytes
    }

    private func found(_ tips: Int..., having haves: Int...) throws -> [ByteBuffer] {
        packs.packs(with: try tips.map(id), having: try haves.map(id), in: repository).map(\.bytes)
    }

    @Test func aPushIsWhatLacksWhoHadWhatItBuiltUpon() throws {
        let first = try keep((nil, 1))
        let second = try keep((1, 2))
        #expect(try found(1) == [first])
        #expect(try found(2, having: 1) == [second])
        #expect(try found(2) == [first, second])
        #expect(try found(3, having: 2).isEmpty)
        #expect(packs.packs(with: [try id(2)], having: [try id(1)], in: RepositoryID(8)).isEmpty)
    }

    @Test func pushesAfterEachOtherComeInTheirOrder() throws {
        let one = try keep((1, 2))
        let two = try keep((2, 3), (10, 11))
        let three = try keep((11, 12), (3, 4))
        #expect(try found(4, 12, having: 1, 10) == [one, two, three])
        #expect(try found(12, having: 11, 3) == [three])
        // The push that made 10 is not known, so nobody can tell what is in it.
        #expect(try found(4, 12, having: 1).isEmpty)
        #expect(try found(4, 12, 99, having: 1, 10).isEmpty)
    }

    @Test func forceAndBackAgainEnds() throws {
        let away = try keep((1, 2))
        let back = try keep((2, 1))
        #expect(try found(1, having: 2) == [back])
        #expect(try found(2, having: 1) == [away])
        #expect(try found(2) == [away, back])
    }

    @Test func itIsWantedOnceSomebodyAsks() throws {
        #expect(!packs.isWanted)
        _ = try found(1)
        #expect(packs.isWanted)
    }

    @Test func theOldestMakeRoomForTheNewest() throws {
        let large = ByteBuffer(repeating: 1, count: 6 * 1024 * 1024)
        for number in 1...3 {
            let update = RefUpdate(name: try .branch("b"), old: .zero, new: try id(number))
            packs.keep(PushedPack(large, of: [update]), in: repository)
        }
        #expect(try found(1).isEmpty)
        #expect(try found(2) == [large] && found(3) == [large])
        let tooLarge = ByteBuffer(repeating: 1, count: 17 * 1024 * 1024)
        let update = RefUpdate(name: try .branch("b"), old: .zero, new: try id(4))
        packs.keep(PushedPack(tooLarge, of: [update]), in: repository)
        #expect(try found(4).isEmpty && found(3) == [large])
    }
}
