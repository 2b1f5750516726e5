/// Writes JSON into a byte array.
struct JSONWriter {
    private(set) var bytes: [UInt8] = []
    private let pretty: Bool

    init(pretty: Bool) {
        self.pretty = pretty
    }

    mutating func write(_ value: PortableValue, depth: Int) throws(PortableError) {
        switch value {
        case .null: append("null")
        case .bool(let value): append(value ? "true" : "false")
        case .integer(let value): append(String(value))
        case .double(let value):
            guard value.isFinite else { throw .notJSON(reason: "\(value) is not a JSON number") }
            append(String(value))
        case .string(let value): write(value)
        case .bytes: throw .notJSON(reason: "a byte string that is not UTF-8")
        case .list(let elements): try write(elements, depth: depth)
        case .map(let members): try write(members, depth: depth)
        }
    }

    private mutating func write(_ elements: [PortableValue], depth: Int) throws(PortableError) {
        guard depth < JSON.depthMax else { throw .depthExceeded(path: "") }
        append("[")
        for (index, element) in elements.enumerated() {
            if index > 0 { append(",") }
            breakLine(depth + 1)
            try write(element, depth: depth + 1)
        }
        if !elements.isEmpty { breakLine(depth) }
        append("]")
    }

    private mutating func write(_ members: [String: PortableValue], depth: Int) throws(PortableError) {
        guard depth < JSON.depthMax else { throw .depthExceeded(path: "") }
        append("{")
        var isFirst = true
        for (name, member) in members.sorted(by: { $0.key < $1.key }) {
            if !isFirst { append(",") }
            isFirst = false
            breakLine(depth + 1)
            write(name)
            append(pretty ? ": " : ":")
            try write(member, depth: depth + 1)
        }
        if !members.isEmpty { breakLine(depth) }
        append("}")
    }

    private mutating func write(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): append("\\\"")
            case UInt8(ascii: "\\"): append("\\\\")
            case 0x08: append("\\b")
            case 0x09: append("\\t")
            case 0x0a: append("\\n")
            case 0x0c: append("\\f")
            case 0x0d: append("\\r")
            case 0..<0x20: append(byte < 0x10 ? "\\u000" : "\\u00", String(byte, radix: 16))
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func breakLine(_ depth: Int) {
        guard pretty else { return }
        bytes.append(UInt8(ascii: "\n"))
        bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: depth * 2))
    }

    private mutating func append(_ texts: String...) {
        for text in texts { bytes.append(contentsOf: text.utf8) }
    }
}
