/// A recursive-descent parser over bytes in memory; the depth limit bounds its recursion.
struct JSONParser {
    private let bytes: UnsafeBufferPointer<UInt8>
    private let allowsAnyText: Bool
    private var offset = 0

    init(_ bytes: UnsafeBufferPointer<UInt8>, allowsAnyText: Bool) {
        self.bytes = bytes
        self.allowsAnyText = allowsAnyText
    }

    mutating func document() throws(PortableError) -> PortableValue {
        let value = try value(depth: 0)
        skipSpace()
        guard offset == bytes.count else { throw malformed("something follows the value") }
        return value
    }

    private mutating func value(depth: Int) throws(PortableError) -> PortableValue {
        skipSpace()
        guard let byte = peek() else { throw malformed("a value is expected and the text ends") }
        switch byte {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""):
            let start = offset
            let text = try string()
            guard allowsAnyText || text.isStreamSafe else {
                throw malformed("a text has \(StreamSafe.problem)", at: start)
            }
            return .string(text)
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        default: throw malformed("a value is expected")
        }
    }

    private mutating func object(depth: Int) throws(PortableError) -> PortableValue {
        guard depth < JSON.depthMax else { throw .depthExceeded(path: place(offset)) }
        offset += 1
        var members: [String: PortableValue] = [:]
        skipSpace()
        if take(UInt8(ascii: "}")) { return .map(members) }
        while true {
            skipSpace()
            let start = offset
            guard peek() == UInt8(ascii: "\"") else { throw malformed("a name in double quotes is expected") }
            let name = try string()
            guard name.isStreamSafe else { throw malformed("a name has \(StreamSafe.problem)", at: start) }
            skipSpace()
            guard take(UInt8(ascii: ":")) else {
                throw malformed("a colon is expected after the name \"\(name)\"")
            }
            guard members.updateValue(try value(depth: depth + 1), forKey: name) == nil else {
                throw malformed("the name \"\(name)\" occurs twice", at: start)
            }
            skipSpace()
            if take(UInt8(ascii: "}")) { return .map(members) }
            guard take(UInt8(ascii: ",")) else { throw malformed("a comma or } is expected") }
        }
    }

    private mutating func array(depth: Int) throws(PortableError) -> PortableValue {
        guard depth < JSON.depthMax else { throw .depthExceeded(path: place(offset)) }
        offset += 1
        var elements: [PortableValue] = []
        skipSpace()
        if take(UInt8(ascii: "]")) { return .list(elements) }
        while true {
            elements.append(try value(depth: depth + 1))
            skipSpace()
            if take(UInt8(ascii: "]")) { return .list(elements) }
            guard take(UInt8(ascii: ",")) else { throw malformed("a comma or ] is expected") }
        }
    }

    private mutating func word(
        _ text: StaticString, _ value: PortableValue
    ) throws(PortableError) -> PortableValue {
        let end = offset + text.utf8CodeUnitCount
        guard end <= bytes.count,
            bytes[offset..<end].elementsEqual(
                UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
        else { throw malformed("a value is expected") }
        offset = end
        return value
    }

    private mutating func number() throws(PortableError) -> PortableValue {
        let start = offset
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) {
            guard skipDigits() > 0 else { throw malformed("a digit is expected") }
        }
        var isWhole = true
        if take(UInt8(ascii: ".")) {
            isWhole = false
            guard skipDigits() > 0 else { throw malformed("a digit is expected after the point") }
        }
        if peek() == UInt8(ascii: "e") || peek() == UInt8(ascii: "E") {
            isWhole = false
            offset += 1
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            guard skipDigits() > 0 else { throw malformed("a digit is expected in the exponent") }
        }
        if let byte = peek(), byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") {
            throw malformed("a number must not begin with 0", at: start)
        }
        let text = String(decoding: bytes[start..<offset], as: UTF8.self)
        if isWhole, let value = Int64(text) { return .integer(value) }
        guard let value = Double(text), value.isFinite else {
            throw malformed("the number is too large", at: start)
        }
        return .double(value)
    }

    private mutating func skipDigits() -> Int {
        let start = offset
        while let byte = peek(), byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { offset += 1 }
        return offset - start
    }
}

extension JSONParser {
    private mutating func string() throws(PortableError) -> String {
        let start = offset
        offset += 1
        let first = offset
        while let byte = peek(), byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 {
            offset += 1
        }
        if peek() == UInt8(ascii: "\"") {
            let slice = bytes[first..<offset]
            offset += 1
            return try text(slice, at: start)
        }
        var unescaped = Array(bytes[first..<offset])
        while true {
            guard let byte = peek() else { throw malformed("a string is not closed", at: start) }
            switch byte {
            case UInt8(ascii: "\""):
                offset += 1
                return try text(unescaped[...], at: start)
            case UInt8(ascii: "\\"):
                try escape(into: &unescaped)
            case 0..<0x20:
                throw malformed("a control character in a string must be written as \\u00xx")
            default:
                unescaped.append(byte)
                offset += 1
            }
        }
    }

    private func text(_ slice: some Sequence<UInt8>, at start: Int) throws(PortableError) -> String {
        guard let text = String(validating: slice, as: UTF8.self) else {
            throw malformed("a string is not valid UTF-8", at: start)
        }
        return text
    }

    private mutating func escape(into unescaped: inout [UInt8]) throws(PortableError) {
        let start = offset
        offset += 1
        guard let byte = peek() else { throw malformed("a string is not closed", at: start) }
        offset += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): unescaped.append(byte)
        case UInt8(ascii: "b"): unescaped.append(0x08)
        case UInt8(ascii: "f"): unescaped.append(0x0c)
        case UInt8(ascii: "n"): unescaped.append(0x0a)
        case UInt8(ascii: "r"): unescaped.append(0x0d)
        case UInt8(ascii: "t"): unescaped.append(0x09)
        case UInt8(ascii: "u"): unescaped.append(contentsOf: String(try scalar(start)).utf8)
        default: throw malformed("an unknown escape", at: start)
        }
    }

    /// Reads what follows `\u`, and the second half of a surrogate pair.
    private mutating func scalar(_ start: Int) throws(PortableError) -> Character {
        var code = try hexadecimal(start)
        if code >= 0xd800, code < 0xdc00 {
            guard take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else {
                throw malformed("a lone surrogate", at: start)
            }
            let low = try hexadecimal(start)
            guard low >= 0xdc00, low < 0xe000 else { throw malformed("a lone surrogate", at: start) }
            code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
        }
        guard let scalar = Unicode.Scalar(code) else { throw malformed("a lone surrogate", at: start) }
        return Character(scalar)
    }

    private mutating func hexadecimal(_ start: Int) throws(PortableError) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = peek(), let digit = hexadecimalDigit(byte) else {
                throw malformed("four hexadecimal digits are expected after \\u", at: start)
            }
            code = code << 4 | UInt32(digit)
            offset += 1
        }
        return code
    }

    private func peek() -> UInt8? { offset < bytes.count ? bytes[offset] : nil }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard peek() == byte else { return false }
        offset += 1
        return true
    }

    private mutating func skipSpace() {
        while let byte = peek(), byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { offset += 1 }
    }

    private func malformed(_ reason: String, at place: Int? = nil) -> PortableError {
        let offset = place ?? self.offset
        return .malformed(offset: offset, reason: "\(self.place(offset)): \(reason)")
    }

    private func place(_ offset: Int) -> String {
        let before = bytes[..<offset]
        let line = before.count { $0 == 0x0a } + 1
        let lineStart = before.lastIndex(of: 0x0a).map { $0 + 1 } ?? 0
        return "line \(line), column \(offset - lineStart + 1)"
    }
}
