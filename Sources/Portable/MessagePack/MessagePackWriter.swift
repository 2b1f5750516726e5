/// Appends MessagePack to a byte array that grows.
///
/// Lengths and counts are below 2^32: memory for more is refused long before by ``PortableLimits``.
package struct MessagePackWriter {
    /// What has been written so far.
    package private(set) var bytes: [UInt8] = []

    /// - Parameter capacity: Bytes to reserve at once.
    package init(capacity: Int = 0) {
        bytes.reserveCapacity(capacity)
    }

    /// Writes `nil`.
    package mutating func writeNull() { bytes.append(0xc0) }

    /// Writes a truth value.
    package mutating func write(_ value: Bool) { write(.bool(value)) }

    /// Writes an integer in its shortest form.
    package mutating func write(_ value: Int64) { write(.integer(value)) }

    /// Writes a 64-bit float.
    package mutating func write(_ value: Double) { write(.double(value)) }

    /// Writes text as `str`.
    package mutating func write(_ value: String) {
        write(.string(value.utf8.count))
        bytes.append(contentsOf: value.utf8)
    }

    /// Writes bytes as `str`, whether they are text or not: what Lua's strings are.
    package mutating func writeString(_ value: UnsafeRawBufferPointer) {
        write(.string(value.count))
        bytes.append(contentsOf: value)
    }

    /// Writes bytes as `bin`.
    package mutating func writeBytes(_ value: [UInt8]) {
        write(.bytes(value.count))
        bytes.append(contentsOf: value)
    }

    /// Writes the head of a list; the caller writes that many values next.
    package mutating func writeList(count: Int) { write(.list(count)) }

    /// Writes the head of a map; the caller writes that many keys, each followed by its value.
    package mutating func writeMap(count: Int) { write(.map(count)) }

    /// Writes an extension value.
    package mutating func writeExtension(type: Int8, _ value: [UInt8]) {
        write(.extension(value.count))
        bytes.append(UInt8(bitPattern: type))
        bytes.append(contentsOf: value)
    }

    /// Writes a whole value, map keys in sorted order.
    /// - Throws: ``PortableError/depthExceeded(path:)`` or ``PortableError/tooLarge(bytes:limit:)``; the
    ///   limit counts what is in this writer already. After a throw the writer holds a part of the value.
    package mutating func write(_ value: PortableValue, limits: PortableLimits) throws(PortableError) {
        try write(value, limits: limits, depth: 0)
        try checkSize(limits)
    }

    private mutating func write(
        _ value: PortableValue, limits: PortableLimits, depth: Int
    ) throws(PortableError) {
        switch value {
        case .null: writeNull()
        case .bool(let value): write(value)
        case .integer(let value): write(value)
        case .double(let value): write(value)
        case .string(let value): write(value)
        case .bytes(let value): writeBytes(value)
        case .list(let elements):
            guard depth < limits.depthMax else { throw .depthExceeded(path: "") }
            writeList(count: elements.count)
            for element in elements {
                try write(element, limits: limits, depth: depth + 1)
                try checkSize(limits)
            }
        case .map(let members):
            guard depth < limits.depthMax else { throw .depthExceeded(path: "") }
            writeMap(count: members.count)
            for (key, member) in members.sorted(by: { $0.key < $1.key }) {
                write(key)
                try write(member, limits: limits, depth: depth + 1)
                try checkSize(limits)
            }
        }
    }

    private func checkSize(_ limits: PortableLimits) throws(PortableError) {
        guard bytes.count <= limits.bytesMax else {
            throw .tooLarge(bytes: bytes.count, limit: limits.bytesMax)
        }
    }

    private mutating func write(_ head: MessagePackHead) {
        bytes.append(head.tag)
        for place in (0..<head.width).reversed() {
            bytes.append(UInt8(truncatingIfNeeded: head.number >> UInt64(place * 8)))
        }
    }
}
