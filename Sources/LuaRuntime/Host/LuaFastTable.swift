import CLuaHost
import Portable

/// A table argument of a fast call: fields by name, or items in order. They have no parts, but for an
/// attempt's. It cannot be copied, so nothing of it outlives the call.
package struct LuaFastTable: ~Copyable {
    private let items: UnsafePointer<clh_scalar>
    private let isMap: Bool
    /// How many fields or items there are; an empty table is both.
    package let count: Int

    init?(_ head: LuaFastScalar) {
        guard let items = head.value.items else { return nil }
        switch head.value.type {
        case CLH_MAP: isMap = true
        case CLH_LIST: isMap = false
        default: return nil
        }
        self.items = items
        count = Int(head.value.length)
    }

    /// The value of the field `name`; `nil` when there is none.
    @inline(__always)
    package subscript(name: StaticString) -> LuaFastScalar? {
        guard isMap else { return nil }
        var pair = items
        for _ in 0..<count {
            if Self.isEqual(pair.pointee, name) { return LuaFastScalar(pair[1]) }
            pair += 2
        }
        return nil
    }

    /// The item at `index`, counted from 0; `nil` outside the list.
    package subscript(index: Int) -> LuaFastScalar? {
        isMap || index < 0 || index >= count ? nil : LuaFastScalar(items[index])
    }

    /// Calls `body` with each field, in no order.
    package func forEach(_ body: (_ name: String, _ value: LuaFastScalar) -> Void) {
        guard isMap else { return }
        for index in 0..<count {
            body(LuaFastScalar(items[2 * index]).text ?? "", LuaFastScalar(items[2 * index + 1]))
        }
    }

    /// Names are ASCII here: of others two may be equal as text.
    var isPlain: Bool {
        for index in 0..<(isMap ? 2 * count : count) {
            if isMap, index.isMultiple(of: 2) {
                let name = UnsafeRawBufferPointer(start: items[index].text, count: items[index].length)
                if !name.isASCII { return false }
            } else if !LuaFastScalar(items[index]).isPlain {
                return false
            }
        }
        return true
    }

    var plain: PortableValue? {
        guard isMap else {
            var values: [PortableValue] = []
            values.reserveCapacity(count)
            for index in 0..<count {
                guard let value = LuaFastScalar(items[index]).plain else { return nil }
                values.append(value)
            }
            return .list(values)
        }
        var fields = [String: PortableValue](minimumCapacity: count)
        for index in 0..<count {
            let name = items[2 * index]
            guard let text = LuaCrossing.text(UnsafeRawBufferPointer(start: name.text, count: name.length)),
                text.isStreamSafe, let value = LuaFastScalar(items[2 * index + 1]).plain
            else { return nil }
            fields[text] = value
        }
        return fields.count == count ? .map(fields) : nil
    }

    @inline(__always)
    private static func isEqual(_ key: clh_scalar, _ name: StaticString) -> Bool {
        guard key.length == name.utf8CodeUnitCount, let text = key.text else { return false }
        let start = name.utf8Start
        for place in 0..<Int(key.length) where text[place] != start[place] { return false }
        return true
    }
}

/// A value without parts, or an attempt's table in a table, valid until the fast call that it came with
/// returns.
package struct LuaFastScalar {
    let value: clh_scalar

    @inline(__always)
    init(_ value: clh_scalar) {
        self.value = value
    }

    /// Whether it is nil.
    package var isNull: Bool { value.type == CLH_NIL }

    /// A boolean.
    package var boolean: Bool? { value.type == CLH_BOOLEAN ? value.boolean != 0 : nil }

    /// An integer, or a float that is a whole number.
    package var integer: Int64? {
        if value.type == CLH_INTEGER { return value.integer }
        return value.type == CLH_FLOAT ? Int64(exactly: value.number) : nil
    }

    /// A number; finite.
    package var double: Double? {
        if value.type == CLH_FLOAT { return value.number }
        return value.type == CLH_INTEGER ? Double(value.integer) : nil
    }

    /// A string; bytes that are no UTF-8 are replaced.
    package var text: String? { withText { String(lent: $0) } }

    /// As a plain value; nil for what is none, and for a table that has such.
    var plain: PortableValue? {
        switch value.type {
        case CLH_NIL: return .null
        case CLH_BOOLEAN: return .bool(value.boolean != 0)
        case CLH_INTEGER: return .integer(value.integer)
        case CLH_FLOAT: return value.number.isFinite ? .double(value.number) : nil
        case CLH_TEXT:
            return LuaCrossing.text(UnsafeRawBufferPointer(start: value.text, count: value.length))
                .map(PortableValue.string)
        case CLH_LIST, CLH_MAP: return LuaFastTable(self)?.plain
        default: return nil
        }
    }

    /// The bytes of a string, lent to `body`.
    @inline(__always)
    package func withText<Value>(_ body: (UnsafeRawBufferPointer) -> Value) -> Value? {
        guard value.type == CLH_TEXT else { return nil }
        return body(UnsafeRawBufferPointer(start: value.text, count: Int(value.length)))
    }
}
