extension PortableValue: Codable {
    /// Decodes any JSON value; whole numbers that fit 64 bits become integers.
    /// - Throws: `DecodingError` when the decoder holds something that is no JSON value.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int64.self) {
            self = .integer(value)
        } else if let value = try? container.decode(Double.self) {
            self = .double(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([PortableValue].self) {
            self = .list(value)
        } else {
            self = .map(try container.decode([String: PortableValue].self))
        }
    }

    /// Encodes as the JSON value of the same shape.
    /// - Throws: `EncodingError` for a byte string, which JSON cannot carry.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .double(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .list(let value): try container.encode(value)
        case .map(let value): try container.encode(value)
        case .bytes:
            let context = EncodingError.Context(
                codingPath: encoder.codingPath,
                debugDescription: "JSON cannot carry a byte string that is not text")
            throw EncodingError.invalidValue(self, context)
        }
    }
}
