/// Reads MessagePack item by item from memory that somebody else owns; allocates nothing, never reads past
/// the end.
///
/// A head that promises more elements than bytes are left is refused at once, so a count can be trusted for
/// sizing.
/// - Source: "MessagePack specification", github.com/msgpack/msgpack/blob/master/spec.md.
package struct MessagePackReader {
    private let base: UnsafeRawBufferPointer
    /// How many bytes have been read.
    package private(set) var offset = 0

    /// - Parameter bytes: Must outlive the reader and every token it gives.
    package init(_ bytes: UnsafeRawBufferPointer) {
        base = bytes
    }

    /// How many bytes are left.
    package var remaining: Int { base.count - offset }

    /// Whether everything has been read.
    package var isAtEnd: Bool { offset >= base.count }

    /// Reads the next item.
    /// - Throws: ``PortableError/malformed(offset:reason:)`` at the end, for the unused byte 0xc1, for an
    ///   integer above 2^63-1, and for a length or count that the bytes cannot hold.
    package mutating func next() throws(PortableError) -> MessagePackToken {
        let tag = UInt8(truncatingIfNeeded: try big(1))
        switch tag {
        case 0x00...0x7f: return .integer(Int64(tag))
        case 0x80...0x8f: return .map(count: try count(UInt64(tag & 0x0f), bytesPerElement: 2))
        case 0x90...0x9f: return .list(count: try count(UInt64(tag & 0x0f), bytesPerElement: 1))
        case 0xa0...0xbf: return .string(try slice(UInt64(tag & 0x1f)))
        case 0xe0...0xff: return .integer(Int64(Int8(bitPattern: tag)))
        case 0xc0: return .null
        case 0xc2: return .bool(false)
        case 0xc3: return .bool(true)
        case 0xca: return .double(Double(Float(bitPattern: UInt32(truncatingIfNeeded: try big(4)))))
        case 0xcb: return .double(Double(bitPattern: try big(8)))
        case 0xcc...0xd3: return .integer(try integer(tag))
        case 0xc4...0xc6: return .bytes(try slice(try big(1 << Int(tag - 0xc4))))
        case 0xd9...0xdb: return .string(try slice(try big(1 << Int(tag - 0xd9))))
        case 0xdc, 0xdd: return .list(count: try count(try big(tag == 0xdc ? 2 : 4), bytesPerElement: 1))
        case 0xde, 0xdf: return .map(count: try count(try big(tag == 0xde ? 2 : 4), bytesPerElement: 2))
        case 0xc7...0xc9: return try readExtensionBody(try big(1 << Int(tag - 0xc7)))
        case 0xd4...0xd8: return try readExtensionBody(1 << UInt64(tag - 0xd4))
        default: throw .malformed(offset: offset - 1, reason: "byte 0xc1 means nothing in MessagePack")
        }
    }

    /// Reads an integer, of whatever width it was written.
    /// - Throws: ``PortableError`` also when the next item is of another kind.
    package mutating func readInteger() throws(PortableError) -> Int64 {
        let start = offset
        guard case .integer(let value) = try next() else { throw unexpected(start, "an integer") }
        return value
    }

    /// Reads the bytes of a string.
    /// - Throws: ``PortableError`` also when the next item is of another kind.
    package mutating func readString() throws(PortableError) -> UnsafeRawBufferPointer {
        let start = offset
        guard case .string(let value) = try next() else { throw unexpected(start, "a string") }
        return value
    }

    /// Reads the head of a list and gives the number of elements.
    /// - Throws: ``PortableError`` also when the next item is of another kind.
    package mutating func readListCount() throws(PortableError) -> Int {
        let start = offset
        guard case .list(let count) = try next() else { throw unexpected(start, "a list") }
        return count
    }

    /// Reads the head of a map and gives the number of pairs.
    /// - Throws: ``PortableError`` also when the next item is of another kind.
    package mutating func readMapCount() throws(PortableError) -> Int {
        let start = offset
        guard case .map(let count) = try next() else { throw unexpected(start, "a map") }
        return count
    }

    /// Reads an extension value.
    /// - Throws: ``PortableError`` also when the next item is of another kind.
    package mutating func readExtension() throws(PortableError) -> (type: Int8, bytes: UnsafeRawBufferPointer)
    {
        let start = offset
        guard case .extension(let type, let bytes) = try next() else {
            throw unexpected(start, "an extension")
        }
        return (type, bytes)
    }

    private func unexpected(_ offset: Int, _ expected: String) -> PortableError {
        .malformed(offset: offset, reason: "\(expected) is expected here")
    }

    private mutating func readExtensionBody(_ length: UInt64) throws(PortableError) -> MessagePackToken {
        let type = Int8(truncatingIfNeeded: try big(1))
        return .extension(type: type, bytes: try slice(length))
    }

    private mutating func integer(_ tag: UInt8) throws(PortableError) -> Int64 {
        let start = offset - 1
        let raw = try big(1 << Int((tag - 0xcc) & 3))
        switch tag {
        case 0xd0: return Int64(Int8(truncatingIfNeeded: raw))
        case 0xd1: return Int64(Int16(truncatingIfNeeded: raw))
        case 0xd2: return Int64(Int32(truncatingIfNeeded: raw))
        case 0xd3: return Int64(bitPattern: raw)
        default:
            guard let value = Int64(exactly: raw) else {
                throw .malformed(offset: start, reason: "integer \(raw) does not fit 64 bits with a sign")
            }
            return value
        }
    }

    /// Reads a big-endian number of 1, 2, 4 or 8 bytes.
    private mutating func big(_ width: Int) throws(PortableError) -> UInt64 {
        guard width <= remaining else {
            throw .malformed(offset: base.count, reason: "the bytes end too early")
        }
        var value: UInt64 = 0
        for index in offset..<(offset + width) {
            value = value << 8 | UInt64(base[index])
        }
        offset += width
        return value
    }

    private mutating func slice(_ length: UInt64) throws(PortableError) -> UnsafeRawBufferPointer {
        guard length <= UInt64(remaining) else {
            throw .malformed(offset: offset, reason: "\(length) bytes are promised and \(remaining) are left")
        }
        let count = Int(length)
        let result = UnsafeRawBufferPointer(rebasing: base[offset..<(offset + count)])
        offset += count
        return result
    }

    /// Mutating so that the number, which is read in the same expression, is read before `self` is looked at.
    private mutating func count(_ promised: UInt64, bytesPerElement: Int) throws(PortableError) -> Int {
        guard promised <= UInt64(remaining / bytesPerElement) else {
            throw .malformed(
                offset: offset, reason: "\(promised) elements are promised in \(remaining) bytes")
        }
        return Int(promised)
    }
}
