import Portable
import Testing

/// Text whose comparison would take minutes is told apart before anybody compares it.
@Suite struct StreamSafeTests {
    /// One letter with `count` marks that are out of order.
    private static func letter(_ count: Int) -> String {
        let (above, below) = (count / 2, count - count / 2)
        return "a" + String(repeating: "\u{301}", count: above) + String(repeating: "\u{323}", count: below)
    }

    /// Larger than what could be compared in the time that anybody waits.
    private static let attack = letter(260_000)

    @Test func `up to thirty marks in a row are compared, as often as one likes`() {
        for text in ["", "a", "e\u{301}", "字", "\u{1100}\u{1161}", Self.letter(30), "🏳️‍🌈"] {
            #expect(text.isStreamSafe)
            #expect(String(repeating: text, count: 5_000).isStreamSafe)
        }
        for text in [Self.letter(31), "x" + Self.letter(31) + "x", Self.attack, Self.attack + Self.attack] {
            #expect(!text.isStreamSafe)
            #expect(!text[...].isStreamSafe)
        }
    }

    @Test(arguments: ["\u{344}", "\u{f73}", "\u{f75}", "\u{f81}", "\u{1d165}", "\u{5b0}", "\u{20d0}\u{20d2}"])
    func `marks of any sort count, also those that only turn into such`(mark: String) {
        #expect(!("a" + String(repeating: mark, count: 31) + Self.letter(20)).isStreamSafe)
    }

    @Test func `JSON with such a name is refused, and with such a value unless it is asked for`() throws {
        for name in [Self.letter(31), Self.attack] {
            for text in ["{\"\(name)\": 1}", "[{\"b\": 1, \"\(name)\": {}}]"] {
                let error = #expect(throws: PortableError.self) {
                    try JSON.decode(text, allowsAnyText: true)
                }
                #expect(error?.description.contains("more than 30 combining marks in a row") == true)
            }
            let value = "{\"a\": [\"\(name)\"]}"
            #expect(throws: PortableError.self) { try JSON.decode(value) }
            let read = try JSON.decode(value, allowsAnyText: true)
            #expect(read["a"]?[0]?.stringValue?.utf8.elementsEqual(name.utf8) == true)
        }
        #expect(try JSON.decode("{\"\(Self.letter(30))\": 1}").mapValue?.count == 1)
    }

    @Test func `MessagePack with such a name is refused, and with such a value read`() throws {
        let name = Array(Self.letter(31).utf8)
        let text = [UInt8(0xd9), UInt8(name.count)] + name
        let error = #expect(throws: PortableError.self) {
            try MessagePack.decode([0x81] + text + [0x01])
        }
        #expect(error?.description.contains("a name with more than 30 combining marks in a row") == true)
        let read = try MessagePack.decode([0x81, 0xa1, 0x61] + text)
        #expect(read["a"]?.stringValue?.utf8.count == name.count)
    }

    @Test func `nothing is near such a word`() {
        #expect(Nearest.match(Self.attack, among: ["a", "ab"]) == nil)
        #expect(Nearest.closest(Self.letter(30), among: ["a", "b"]) != nil)
    }
}
