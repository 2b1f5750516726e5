/// Builds values from a reader's items; keeps the path for messages and for the places of extension values.
struct MessagePackDecoder {
    var reader: MessagePackReader
    let depthMax: Int
    let extensions: MessagePack.ExtensionReader?
    private var path: [Step] = []
    /// Nested heads may each promise all bytes that are left; memory is only taken for what arrives.
    private let reservedMax = 256

    private enum Step {
        case index(Int)
        case key(String)
    }

    init(reader: MessagePackReader, depthMax: Int, extensions: MessagePack.ExtensionReader?) {
        self.reader = reader
        self.depthMax = depthMax
        self.extensions = extensions
    }

    mutating func value(depth: Int) throws(PortableError) -> PortableValue {
        switch try reader.next() {
        case .null: return .null
        case .bool(let value): return .bool(value)
        case .integer(let value): return .integer(value)
        case .double(let value): return .double(value)
        case .string(let bytes):
            return String(validating: bytes, as: UTF8.self).map(PortableValue.string) ?? .bytes(Array(bytes))
        case .bytes(let bytes): return .bytes(Array(bytes))
        case .list(let count): return try list(count, depth: depth)
        case .map(let count): return try map(count, depth: depth)
        case .extension(let type, let bytes):
            guard let extensions else {
                throw .unsupported(path: pathText, reason: "extension type \(type)")
            }
            return try extensions(type, bytes, pathText)
        }
    }

    private mutating func list(_ count: Int, depth: Int) throws(PortableError) -> PortableValue {
        guard depth < depthMax else { throw .depthExceeded(path: pathText) }
        var elements: [PortableValue] = []
        elements.reserveCapacity(min(count, reservedMax))
        for index in 0..<count {
            path.append(.index(index + 1))
            elements.append(try value(depth: depth + 1))
            path.removeLast()
        }
        return .list(elements)
    }

    private mutating func map(_ count: Int, depth: Int) throws(PortableError) -> PortableValue {
        guard depth < depthMax else { throw .depthExceeded(path: pathText) }
        var members: [String: PortableValue] = [:]
        members.reserveCapacity(min(count, reservedMax))
        for _ in 0..<count {
            let start = reader.offset
            guard case .string(let bytes) = try reader.next(),
                let key = String(validating: bytes, as: UTF8.self)
            else { throw .malformed(offset: start, reason: "a map's key must be text") }
            guard key.isStreamSafe else {
                throw .unsupported(path: pathText, reason: "a name with \(StreamSafe.problem)")
            }
            path.append(.key(key))
            guard members.updateValue(try value(depth: depth + 1), forKey: key) == nil else {
                throw .malformed(offset: start, reason: "the key \"\(key)\" occurs twice")
            }
            path.removeLast()
        }
        return .map(members)
    }

    private var pathText: String {
        path.map { step in
            switch step {
            case .index(let index): String(index)
            case .key(let key): key
            }
        }.joined(separator: ".")
    }
}
