import CLuaHost
import Portable

/// Writes results as MessagePack into the state's reply, or a fast call's bytes, without a copy in between.
/// What does not fit is left out and `isOverflown` says so.
struct LuaReplyWriter {
    private let base: UnsafeMutableRawBufferPointer
    private(set) var count = 0
    private(set) var isOverflown = false

    init(_ buffer: UnsafeMutableRawBufferPointer) {
        base = buffer
    }

    /// A list of values. Fields of maps come in no order: Lua's tables have none.
    mutating func writeList(_ values: [PortableValue], depthMax: Int) {
        head(values.count, fix: 0x90, wide: 0xdc)
        for value in values { write(value, depthLeft: depthMax) }
    }

    /// One value.
    mutating func write(_ value: PortableValue, depthLeft: Int) {
        switch value {
        case .null: byte(0xc0)
        case .bool(let value): byte(value ? 0xc3 : 0xc2)
        case .integer(let value):
            if value >= -32, value < 128 {
                byte(UInt8(truncatingIfNeeded: value))
            } else {
                number(0xd3, UInt64(bitPattern: value), width: 8)
            }
        case .double(let value): number(0xcb, value.bitPattern, width: 8)
        case .string(let value): text(value)
        case .bytes(let value): value.withUnsafeBytes { bytes($0) }
        case .list(let items):
            guard enter(depthLeft) else { return }
            head(items.count, fix: 0x90, wide: 0xdc)
            for item in items { write(item, depthLeft: depthLeft - 1) }
        case .map(let fields):
            guard enter(depthLeft) else { return }
            head(fields.count, fix: 0x80, wide: 0xde)
            for (name, value) in fields {
                text(name)
                write(value, depthLeft: depthLeft - 1)
            }
        }
    }

    /// Too deep a value is left to the encoder that can say so.
    private mutating func enter(_ depthLeft: Int) -> Bool {
        if depthLeft <= 1 { isOverflown = true }
        return !isOverflown
    }

    private mutating func text(_ text: String) {
        var text = text
        text.withUTF8 { bytes(UnsafeRawBufferPointer($0)) }
    }

    private mutating func bytes(_ bytes: UnsafeRawBufferPointer) {
        if bytes.count < 32 {
            byte(0xa0 | UInt8(truncatingIfNeeded: bytes.count))
        } else {
            number(0xdb, UInt64(bytes.count), width: 4)
        }
        guard reserve(bytes.count), let from = bytes.baseAddress, let to = base.baseAddress else { return }
        (to + count).copyMemory(from: from, byteCount: bytes.count)
        count += bytes.count
    }

    private mutating func head(_ length: Int, fix: UInt8, wide: UInt8) {
        if length < 16 {
            byte(fix | UInt8(truncatingIfNeeded: length))
        } else {
            number(wide + 1, UInt64(length), width: 4)
        }
    }

    private mutating func byte(_ value: UInt8) {
        guard reserve(1) else { return }
        base[count] = value
        count += 1
    }

    private mutating func number(_ tag: UInt8, _ number: UInt64, width: Int) {
        // With room for eight bytes, whatever the width: those that are not meant are written over.
        guard reserve(9) else { return }
        base[count] = tag
        base.storeBytes(
            of: (number << UInt64(64 - 8 * width)).bigEndian, toByteOffset: count + 1, as: UInt64.self)
        count += width + 1
    }

    private mutating func reserve(_ bytes: Int) -> Bool {
        if bytes > base.count - count { isOverflown = true }
        return !isOverflown
    }
}
