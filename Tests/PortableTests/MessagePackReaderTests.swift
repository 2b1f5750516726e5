import Portable
import Testing

@Suite struct MessagePackReaderTests {
    @Test func `items are read one by one`() throws {
        var writer = MessagePackWriter()
        writer.writeList(count: 4)
        writer.write(-5 as Int64)
        writer.write("key")
        writer.writeExtension(type: -2, [1, 2, 3])
        writer.writeMap(count: 0)
        try writer.bytes.withUnsafeBytes { bytes in
            var reader = MessagePackReader(bytes)
            #expect(try reader.readListCount() == 4)
            #expect(try reader.readInteger() == -5)
            #expect(try Array(reader.readString()) == Array("key".utf8))
            let value = try reader.readExtension()
            #expect(value.type == -2)
            #expect(Array(value.bytes) == [1, 2, 3])
            #expect(try reader.readMapCount() == 0)
            #expect(reader.isAtEnd)
            #expect(throws: PortableError.malformed(offset: bytes.count, reason: "the bytes end too early")) {
                try reader.next()
            }
        }
    }

    @Test func `an item of another kind is refused at its place`() {
        [UInt8]([1, 0xa1, 0x61]).withUnsafeBytes { bytes in
            var reader = MessagePackReader(bytes)
            #expect(throws: Never.self) { try reader.readInteger() }
            #expect(throws: PortableError.malformed(offset: 1, reason: "an integer is expected here")) {
                try reader.readInteger()
            }
        }
    }
}
