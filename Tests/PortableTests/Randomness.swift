import Portable

/// Random numbers that are the same in each run: SplitMix64.
struct Randomness: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    mutating func bytes(upTo count: Int) -> [UInt8] {
        (0..<Int.random(in: 0...count, using: &self)).map { _ in UInt8.random(in: 0...255, using: &self) }
    }

    /// A value of any shape; with `isText` only what JSON can carry.
    mutating func value(depth: Int = 4, isText: Bool = false) -> PortableValue {
        switch Int.random(in: 0..<(depth > 0 ? 8 : 6), using: &self) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &self))
        case 2: return .integer(Int64(truncatingIfNeeded: next() >> UInt64.random(in: 0..<64, using: &self)))
        case 3: return .double(Double.random(in: -1e6...1e6, using: &self))
        case 4: return .string(text())
        case 5: return isText ? .string(text()) : .bytes(bytes(upTo: 40))
        case 6:
            return .list(
                (0..<Int.random(in: 0...20, using: &self)).map { _ in value(depth: depth - 1, isText: isText)
                })
        default:
            let members = (0..<Int.random(in: 0...20, using: &self)).map { _ in
                (text(), value(depth: depth - 1, isText: isText))
            }
            return .map(Dictionary(members, uniquingKeysWith: { first, _ in first }))
        }
    }

    private mutating func text() -> String {
        let letters: [Character] = [
            "a", "Z", "0", " ", "\"", "\\", "/", "\n", "\u{0}", "\u{1b}", "ä", "界", "😀", "\u{7f}",
        ]
        return String(
            (0..<Int.random(in: 0...40, using: &self)).map { _ in
                letters[Int.random(in: 0..<letters.count, using: &self)]
            })
    }
}
