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

    @Test(arguments: 0...40)
    func `fixed memory gets the same bytes as an array, or says that it is too small`(room: Int) throws {
        var array = MessagePackWriter()
        array.writeMap(count: 3)
        array.write("text")
        array.write(70_000 as Int64)
        array.write("flags")
        array.writeList(count: 3)
        array.write(true)
        array.writeNull()
        array.write(2.5)
        array.write("raw")
        array.writeExtension(type: 1, [9, 9])
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: room, alignment: 1)
        defer { memory.deallocate() }
        var fixed = MessagePackBufferWriter(memory)
        fixed.writeMap(count: 3)
        fixed.write("text")
        fixed.write(70_000 as Int64)
        fixed.write("flags")
        fixed.writeList(count: 3)
        fixed.write(true)
        fixed.writeNull()
        fixed.write(2.5)
        fixed.write("raw")
        [UInt8]([9, 9]).withUnsafeBytes { fixed.writeExtension(type: 1, $0) }
        #expect(fixed.isOverflown == (room < array.bytes.count))
        #expect(Array(memory.prefix(fixed.count)) == Array(array.bytes.prefix(fixed.count)))
        if !fixed.isOverflown { #expect(fixed.count == array.bytes.count) }
    }
}
