/// A value that may cross a node, a table or the Lua boundary: plain data without identity or behaviour.
///
/// `string` holds text (valid UTF-8); `bytes` holds anything else, and has no form in JSON.
/// Keys of a `map` are text and have no order; encodings write them sorted, so equal values give equal bytes.
package enum PortableValue: Sendable, Hashable {
    /// No value: Lua's `nil`, JSON's `null`.
    case null
    /// A truth value.
    case bool(Bool)
    /// A whole number of 64 bits.
    case integer(Int64)
    /// A floating-point number; NaN and infinities have no form in JSON.
    case double(Double)
    /// Text, in UTF-8 wherever it is encoded.
    case string(String)
    /// A byte string that need not be text.
    case bytes([UInt8])
    /// Values in order.
    case list([PortableValue])
    /// Values by name, without order.
    case map([String: PortableValue])
}

extension PortableValue {
    /// Whether this is `null`.
    package var isNull: Bool { self == .null }

    /// The truth value, or `nil` when this is of another kind.
    package var boolValue: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    /// The number when it is whole and fits 64 bits (also a double such as `3.0`), else `nil`.
    package var integerValue: Int64? {
        switch self {
        case .integer(let value): value
        case .double(let value): Int64(exactly: value)
        default: nil
        }
    }

    /// The number as floating point (an integer above 2^53 loses digits), or `nil` when this is no number.
    package var doubleValue: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }

    /// The text, or `nil` when this is of another kind; bytes are not text.
    package var stringValue: String? {
        if case .string(let value) = self { value } else { nil }
    }

    /// The bytes of a byte string or of a text's UTF-8, else `nil`.
    package var bytesValue: [UInt8]? {
        switch self {
        case .bytes(let value): value
        case .string(let value): Array(value.utf8)
        default: nil
        }
    }

    /// The elements of a list, else `nil`.
    package var listValue: [PortableValue]? {
        if case .list(let value) = self { value } else { nil }
    }

    /// The members of a map, else `nil`.
    package var mapValue: [String: PortableValue]? {
        if case .map(let value) = self { value } else { nil }
    }

    /// The member of a map with this name; `nil` when there is none or this is no map.
    package subscript(key: String) -> PortableValue? {
        if case .map(let members) = self { members[key] } else { nil }
    }

    /// The element of a list at this place, counted from 0; `nil` outside the list or when this is no list.
    package subscript(index: Int) -> PortableValue? {
        guard case .list(let elements) = self, elements.indices.contains(index) else { return nil }
        return elements[index]
    }

    /// What kind of value this is, in the words of messages: `"null"`, `"boolean"`, `"integer"`, `"number"`,
    /// `"string"`, `"bytes"`, `"list"`, `"map"`.
    package var kindName: String {
        switch self {
        case .null: "null"
        case .bool: "boolean"
        case .integer: "integer"
        case .double: "number"
        case .string: "string"
        case .bytes: "bytes"
        case .list: "list"
        case .map: "map"
        }
    }

    /// The text, or `null` when there is none.
    /// - Parameter text: Optional text.
    package static func optional(_ text: String?) -> PortableValue { text.map(PortableValue.string) ?? .null }

    /// The number, or `null` when there is none.
    /// - Parameter number: Optional whole number.
    package static func optional(_ number: Int64?) -> PortableValue {
        number.map(PortableValue.integer) ?? .null
    }
}
