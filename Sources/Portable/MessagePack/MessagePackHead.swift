/// What precedes a value's bytes: a tag and a big-endian number of up to 8 bytes.
struct MessagePackHead {
    var tag: UInt8
    var number: UInt64 = 0
    /// Bytes of `number` that are written, lowest ones: 0, 1, 2, 4 or 8.
    var width = 0

    static func integer(_ value: Int64) -> MessagePackHead {
        let bits = UInt64(bitPattern: value)
        switch value {
        case 0...0x7f: return MessagePackHead(tag: UInt8(truncatingIfNeeded: value))
        case -32..<0: return MessagePackHead(tag: UInt8(truncatingIfNeeded: value))
        case 0...0xff: return MessagePackHead(tag: 0xcc, number: bits, width: 1)
        case 0...0xffff: return MessagePackHead(tag: 0xcd, number: bits, width: 2)
        case 0...0xffff_ffff: return MessagePackHead(tag: 0xce, number: bits, width: 4)
        case 0...: return MessagePackHead(tag: 0xcf, number: bits, width: 8)
        case (-0x80)...: return MessagePackHead(tag: 0xd0, number: bits, width: 1)
        case (-0x8000)...: return MessagePackHead(tag: 0xd1, number: bits, width: 2)
        case (-0x8000_0000)...: return MessagePackHead(tag: 0xd2, number: bits, width: 4)
        default: return MessagePackHead(tag: 0xd3, number: bits, width: 8)
        }
    }

    static func double(_ value: Double) -> MessagePackHead {
        MessagePackHead(tag: 0xcb, number: value.bitPattern, width: 8)
    }

    static func bool(_ value: Bool) -> MessagePackHead {
        MessagePackHead(tag: value ? 0xc3 : 0xc2)
    }

    static func string(_ length: Int) -> MessagePackHead {
        switch length {
        case 0..<32: MessagePackHead(tag: 0xa0 | UInt8(length))
        default: sized(length, tags: (0xd9, 0xda, 0xdb))
        }
    }

    static func bytes(_ length: Int) -> MessagePackHead {
        sized(length, tags: (0xc4, 0xc5, 0xc6))
    }

    static func list(_ count: Int) -> MessagePackHead {
        switch count {
        case 0..<16: MessagePackHead(tag: 0x90 | UInt8(count))
        case ...0xffff: MessagePackHead(tag: 0xdc, number: UInt64(count), width: 2)
        default: MessagePackHead(tag: 0xdd, number: UInt64(count), width: 4)
        }
    }

    static func map(_ count: Int) -> MessagePackHead {
        switch count {
        case 0..<16: MessagePackHead(tag: 0x80 | UInt8(count))
        case ...0xffff: MessagePackHead(tag: 0xde, number: UInt64(count), width: 2)
        default: MessagePackHead(tag: 0xdf, number: UInt64(count), width: 4)
        }
    }

    /// An extension value; its type byte follows the head.
    static func `extension`(_ length: Int) -> MessagePackHead {
        switch length {
        case 1: MessagePackHead(tag: 0xd4)
        case 2: MessagePackHead(tag: 0xd5)
        case 4: MessagePackHead(tag: 0xd6)
        case 8: MessagePackHead(tag: 0xd7)
        case 16: MessagePackHead(tag: 0xd8)
        default: sized(length, tags: (0xc7, 0xc8, 0xc9))
        }
    }

    private static func sized(_ length: Int, tags: (UInt8, UInt8, UInt8)) -> MessagePackHead {
        switch length {
        case ...0xff: MessagePackHead(tag: tags.0, number: UInt64(length), width: 1)
        case ...0xffff: MessagePackHead(tag: tags.1, number: UInt64(length), width: 2)
        default: MessagePackHead(tag: tags.2, number: UInt64(length), width: 4)
        }
    }
}
