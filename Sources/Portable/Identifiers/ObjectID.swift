/// The name of a git object: 20 bytes of SHA-1, written as 40 hexadecimal digits.
package struct ObjectID: Sendable, Hashable, CustomStringConvertible {
    private let high: UInt64
    private let middle: UInt64
    private let low: UInt32

    /// What git writes for "no object".
    package static let zero = ObjectID(high: 0, middle: 0, low: 0)

    private init(high: UInt64, middle: UInt64, low: UInt32) {
        self.high = high
        self.middle = middle
        self.low = low
    }

    /// Reads exactly 40 hexadecimal digits of either case; `nil` for anything else.
    package init?(_ hex: some StringProtocol) {
        self.init(hexBytes: hex.utf8)
    }

    /// Reads exactly 40 ASCII hexadecimal digits of either case; `nil` for anything else.
    package init?(hexBytes: some Collection<UInt8>) {
        var words: (UInt64, UInt64, UInt32) = (0, 0, 0)
        var count = 0
        for byte in hexBytes {
            guard let digit = hexadecimalDigit(byte) else { return nil }
            switch count {
            case 0..<16: words.0 = words.0 << 4 | UInt64(digit)
            case 16..<32: words.1 = words.1 << 4 | UInt64(digit)
            case 32..<40: words.2 = words.2 << 4 | UInt32(digit)
            default: return nil
            }
            count += 1
        }
        guard count == 40 else { return nil }
        self.init(high: words.0, middle: words.1, low: words.2)
    }

    /// Takes exactly 20 raw bytes; `nil` for any other number.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 20 else { return nil }
        var words: (UInt64, UInt64, UInt32) = (0, 0, 0)
        for (index, byte) in bytes.enumerated() {
            switch index {
            case 0..<8: words.0 = words.0 << 8 | UInt64(byte)
            case 8..<16: words.1 = words.1 << 8 | UInt64(byte)
            default: words.2 = words.2 << 8 | UInt32(byte)
            }
        }
        self.init(high: words.0, middle: words.1, low: words.2)
    }

    /// Whether this is ``zero``.
    package var isZero: Bool { self == .zero }

    /// The 20 raw bytes.
    package var bytes: [UInt8] { (0..<20).map(byte) }

    /// 40 lower-case hexadecimal digits.
    package var hex: String { text(digits: 40) }

    /// The first 11 digits, as the original abbreviates commits.
    package var short: String { text(digits: 11) }

    /// 40 lower-case hexadecimal digits.
    package var description: String { hex }

    /// Appends the 40 digits as ASCII, without making a string.
    package func appendHex(to bytes: inout [UInt8]) {
        for place in 0..<40 { bytes.append(digit(place)) }
    }

    private func text(digits: Int) -> String {
        String(unsafeUninitializedCapacity: digits) { buffer in
            for place in 0..<digits { buffer[place] = digit(place) }
            return digits
        }
    }

    private func digit(_ place: Int) -> UInt8 {
        let byte = byte(place / 2)
        return hexadecimalASCII(place.isMultiple(of: 2) ? byte >> 4 : byte & 0x0f)
    }

    private func byte(_ index: Int) -> UInt8 {
        switch index {
        case 0..<8: UInt8(truncatingIfNeeded: high >> UInt64(56 - 8 * index))
        case 8..<16: UInt8(truncatingIfNeeded: middle >> UInt64(56 - 8 * (index - 8)))
        default: UInt8(truncatingIfNeeded: low >> UInt32(24 - 8 * (index - 16)))
        }
    }
}

extension ObjectID: Comparable {
    /// Orders by bytes, as git does.
    package static func < (lhs: ObjectID, rhs: ObjectID) -> Bool {
        (lhs.high, lhs.middle, lhs.low) < (rhs.high, rhs.middle, rhs.low)
    }
}

extension ObjectID: Codable {
    /// Decodes 40 hexadecimal digits.
    /// - Throws: `DecodingError` for anything else.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let value = ObjectID(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "an object id has 40 hexadecimal digits")
        }
        self = value
    }

    /// Encodes as 40 lower-case hexadecimal digits.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(hex)
    }
}
