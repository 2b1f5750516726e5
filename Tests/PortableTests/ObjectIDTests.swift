import Foundation
import Portable
import Testing

@Suite struct ObjectIDTests {
    private let hex = "0123456789abcdef0123456789abcdeffedcba98"

    @Test func `forty digits of either case come back in lower case`() throws {
        let id = try #require(ObjectID(hex.uppercased()))
        #expect(id.hex == hex)
        #expect(id.description == hex)
        #expect(id.short == "0123456789a")
        #expect(id == ObjectID(hexBytes: Array(hex.utf8)))
        #expect(ObjectID(bytes: id.bytes) == id)
        #expect(id.bytes.count == 20)
        #expect(id.bytes.first == 0x01)
        #expect(id.bytes.last == 0x98)
        var ascii: [UInt8] = []
        id.appendHex(to: &ascii)
        #expect(ascii == Array(hex.utf8))
    }

    @Test(arguments: [
        "", "0123", "0123456789abcdef0123456789abcdeffedcba9", "0123456789abcdef0123456789abcdeffedcba988",
        "0123456789abcdef0123456789abcdeffedcba9g", "0123456789abcdef0123456789abcdeffedcba9é",
        " 123456789abcdef0123456789abcdeffedcba98",
    ])
    func `anything but forty digits is no object id`(text: String) {
        #expect(ObjectID(text) == nil)
    }

    @Test func `zero is zero and sorts first`() throws {
        #expect(ObjectID.zero.isZero)
        #expect(ObjectID.zero.hex == String(repeating: "0", count: 40))
        let id = try #require(ObjectID(hex))
        #expect(!id.isZero)
        #expect(ObjectID.zero < id)
        #expect(ObjectID(bytes: [1, 2, 3]) == nil)
    }

    @Test func `it is a text in JSON`() throws {
        let id = try #require(ObjectID(hex))
        let data = try JSONEncoder().encode([id])
        #expect(String(decoding: data, as: UTF8.self) == "[\"\(hex)\"]")
        #expect(try JSONDecoder().decode([ObjectID].self, from: data) == [id])
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode([ObjectID].self, from: Data("[\"xyz\"]".utf8))
        }
    }
}
