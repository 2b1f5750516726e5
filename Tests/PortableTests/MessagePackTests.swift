import Portable
import Testing

@Suite struct MessagePackTests {
    @Test(
        arguments: [
            (.null, [0xc0]), (.bool(false), [0xc2]), (.bool(true), [0xc3]), (0, [0x00]), (127, [0x7f]),
            (128, [0xcc, 0x80]),
            (255, [0xcc, 0xff]), (256, [0xcd, 1, 0]), (65_536, [0xce, 0, 1, 0, 0]),
            (4_294_967_296, [0xcf, 0, 0, 0, 1, 0, 0, 0, 0]),
            (-1, [0xff]), (-32, [0xe0]), (-33, [0xd0, 0xdf]), (-128, [0xd0, 0x80]),
            (-129, [0xd1, 0xff, 0x7f]),
            (-32_769, [0xd2, 0xff, 0xff, 0x7f, 0xff]), (.integer(.min), [0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0]),
            (1.5, [0xcb, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0]), ("hé", [0xa3, 0x68, 0xc3, 0xa9]),
            (.bytes([0xff]), [0xc4, 1, 0xff]),
            ([1, "a"], [0x92, 1, 0xa1, 0x61]), (["b": 2, "a": 1], [0x82, 0xa1, 0x61, 1, 0xa1, 0x62, 2]),
            ([], [0x90]), ([:], [0x80]),
        ] as [(PortableValue, [UInt8])])
    func `a value has the encoding that the specification gives it`(
        value: PortableValue, bytes: [UInt8]
    ) throws {
        #expect(try MessagePack.encode(value) == bytes)
        #expect(try MessagePack.decode(bytes) == value)
    }

    @Test func `a random value comes back as it was`() throws {
        var randomness = Randomness(seed: 1)
        for _ in 0..<500 {
            let value = randomness.value()
            let bytes = try MessagePack.encode(value, limits: .unlimited)
            #expect(try MessagePack.decode(bytes, limits: .unlimited) == value)
            #expect(try MessagePack.decode(AnyCollection(bytes), limits: .unlimited) == value)
        }
    }

    @Test(arguments: [31, 32, 255, 256, 65_535, 65_536])
    func `texts, bytes and lists of every size class come back`(count: Int) throws {
        let text = PortableValue.string(String(repeating: "x", count: count))
        let bytes = PortableValue.bytes(Array(repeating: 7, count: count))
        let list = PortableValue.list(Array(repeating: 1, count: count))
        let map = PortableValue.map(Dictionary(uniqueKeysWithValues: (0..<count).map { (String($0), 0) }))
        for value in [text, bytes, list, map] {
            #expect(
                try MessagePack.decode(MessagePack.encode(value, limits: .unlimited), limits: .unlimited)
                    == value)
        }
    }

    @Test func `a string that is not UTF-8 becomes bytes`() throws {
        #expect(try MessagePack.decode([0xa2, 0xc3, 0x28]) == .bytes([0xc3, 0x28]))
    }

    @Test func `a float of 32 bits and integers in wider forms than needed are read`() throws {
        #expect(try MessagePack.decode([0xca, 0x3f, 0xc0, 0, 0]) == 1.5)
        #expect(try MessagePack.decode([0xd3, 0, 0, 0, 0, 0, 0, 0, 5]) == 5)
    }

    @Test(
        arguments: [
            ([], "end too early"), ([0xc1], "0xc1"), ([0xcd, 1], "end too early"),
            ([0xa5, 0x61], "5 bytes are promised"),
            ([0xdd, 0xff, 0xff, 0xff, 0xff], "elements are promised"),
            ([0xdf, 0, 0, 0, 2, 0xa0], "elements are promised"),
            ([0xc6, 0xff, 0xff, 0xff, 0xff], "are promised"), ([1, 2], "bytes follow"),
            ([0xcf, 0x80, 0, 0, 0, 0, 0, 0, 0], "does not fit"), ([0x81, 1, 1], "key must be text"),
            ([0x81, 0xa1, 0xff, 1], "key must be text"),
            ([0x82, 0xa1, 0x61, 1, 0xa1, 0x61, 2], "occurs twice"),
            ([0x92, 1, 0xd4, 5, 0], "unsupported value at 2: extension type 5"),
        ] as [([UInt8], String)])
    func `what is not a value is refused with the reason`(bytes: [UInt8], reason: String) {
        let error = #expect(throws: PortableError.self) { try MessagePack.decode(bytes) }
        #expect(error?.description.contains(reason) == true, "\(String(describing: error))")
    }

    @Test func `depth and size have limits in both directions`() throws {
        var value: PortableValue = 1
        for _ in 0..<32 { value = [value] }
        let bytes = try MessagePack.encode(value)
        #expect(try MessagePack.decode(bytes) == value)
        #expect(throws: PortableError.depthExceeded(path: "")) { try MessagePack.encode([value]) }
        let deep = [UInt8](repeating: 0x91, count: 200_000)
        let path = Array(repeating: "1", count: 32).joined(separator: ".")
        #expect(throws: PortableError.depthExceeded(path: path)) { try MessagePack.decode(deep) }
        let limits = PortableLimits(bytesMax: 10)
        #expect(throws: PortableError.tooLarge(bytes: 12, limit: 10)) {
            try MessagePack.encode("01234567890", limits: limits)
        }
        #expect(throws: PortableError.tooLarge(bytes: 11, limit: 10)) {
            try MessagePack.decode([UInt8](repeating: 0x90, count: 11), limits: limits)
        }
    }

    @Test func `heads that each promise everything that is left take no memory for it`() {
        var bomb: [UInt8] = []
        for _ in 0..<30 { bomb += [0xdd, 0, 0x03, 0, 0] }
        bomb += [UInt8](repeating: 0xc0, count: 0x30000)
        #expect(throws: PortableError.self) { try MessagePack.decode(bomb) }
    }

    @Test func `extension values go to the reader with their place`() throws {
        let bytes: [UInt8] = [0x92, 0xa1, 0x61, 0x81, 0xa7] + Array("process".utf8) + [0xd6, 3, 0, 0, 0, 9]
        var seen: [String] = []
        let value = try bytes.withUnsafeBytes { buffer in
            try MessagePack.decode(buffer) { type, bytes, path throws(PortableError) in
                seen.append("\(type) \(Array(bytes)) \(path)")
                return .null
            }
        }
        #expect(value == ["a", ["process": nil]])
        #expect(seen == ["3 [0, 0, 0, 9] 2.process"])
    }

    @Test func `random bytes are decoded or refused and never trap`() {
        var randomness = Randomness(seed: 2)
        for _ in 0..<20_000 { check(randomness.bytes(upTo: 64)) }
    }

    @Test func `valid encodings with a few changed bytes are decoded or refused and never trap`() throws {
        var randomness = Randomness(seed: 3)
        for _ in 0..<300 {
            let valid = try MessagePack.encode(randomness.value(depth: 3), limits: .unlimited)
            for _ in 0..<20 {
                var bytes = valid
                for _ in 0...Int.random(in: 0..<4, using: &randomness) {
                    bytes[Int.random(in: 0..<bytes.count, using: &randomness)] = UInt8.random(
                        in: 0...255, using: &randomness)
                }
                check(bytes)
                check(Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &randomness))))
            }
        }
    }

    /// Whatever decodes must encode again to something that decodes to the same, comparing as text for NaN's
    /// sake.
    private func check(_ bytes: [UInt8]) {
        guard let value = try? MessagePack.decode(bytes) else { return }
        let again = (try? MessagePack.encode(value, limits: .unlimited)).flatMap { bytes in
            try? MessagePack.decode(bytes, limits: .unlimited)
        }
        #expect(again.map { "\($0)" }?.count == "\(value)".count)
    }
}
