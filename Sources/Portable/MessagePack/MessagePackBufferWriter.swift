/// Writes MessagePack into memory of a fixed size that somebody else owns; allocates nothing.
///
/// What does not fit is left out and `isOverflown` says so: nothing is written past the end, and from then on
/// nothing at all.
package struct MessagePackBufferWriter {
    private let base: UnsafeMutableRawBufferPointer
    /// How many bytes have been written.
    package private(set) var count = 0
    /// Whether something did not fit; the buffer's contents are then useless.
    package private(set) var isOverflown = false

    /// - Parameter buffer: Must outlive the writer.
    package init(_ buffer: UnsafeMutableRawBufferPointer) {
        base = buffer
    }

    /// Writes `nil`.
    package mutating func writeNull() { write(MessagePackHead(tag: 0xc0)) }

    /// Writes a truth value.
    package mutating func write(_ value: Bool) { write(.bool(value)) }

    /// Writes an integer in its shortest form.
    package mutating func write(_ value: Int64) { write(.integer(value)) }

    /// Writes a 64-bit float.
    package mutating func write(_ value: Double) { write(.double(value)) }

    /// Writes text as `str`; allocates nothing when the text is native UTF-8, as text made in Swift is.
    package mutating func write(_ value: String) {
        var value = value
        value.withUTF8 { writeString(UnsafeRawBufferPointer($0)) }
    }

    /// Writes bytes as `str`, whether they are text or not: what Lua's strings are.
    package mutating func writeString(_ value: UnsafeRawBufferPointer) {
        write(.string(value.count))
        append(value)
    }

    /// Writes bytes as `bin`.
    package mutating func writeBytes(_ value: UnsafeRawBufferPointer) {
        write(.bytes(value.count))
        append(value)
    }

    /// Writes the head of a list; the caller writes that many values next.
    package mutating func writeList(count: Int) { write(.list(count)) }

    /// Writes the head of a map; the caller writes that many keys, each followed by its value.
    package mutating func writeMap(count: Int) { write(.map(count)) }

    /// Writes an extension value.
    package mutating func writeExtension(type: Int8, _ value: UnsafeRawBufferPointer) {
        write(.extension(value.count))
        guard reserve(1) else { return }
        base[count] = UInt8(bitPattern: type)
        count += 1
        append(value)
    }

    private mutating func append(_ value: UnsafeRawBufferPointer) {
        guard reserve(value.count), !value.isEmpty else { return }
        UnsafeMutableRawBufferPointer(rebasing: base[count...]).copyMemory(from: value)
        count += value.count
    }

    private mutating func write(_ head: MessagePackHead) {
        guard reserve(1 + head.width) else { return }
        base[count] = head.tag
        count += 1
        for place in (0..<head.width).reversed() {
            base[count] = UInt8(truncatingIfNeeded: head.number >> UInt64(place * 8))
            count += 1
        }
    }

    private mutating func reserve(_ bytes: Int) -> Bool {
        if bytes > base.count - count { isOverflown = true }
        return !isOverflown
    }
}
