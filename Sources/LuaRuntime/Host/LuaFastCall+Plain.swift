import CLuaHost
import Portable

/// What an argument may be.
package enum LuaPlainKind: Sendable, Hashable {
    case boolean, integer, number, text, table
    /// A text or an integer.
    case key
    /// Anything that is plain data, nil too.
    case any
}

extension LuaFastCall {
    /// The same call, for a type that wraps it: one of the two is used at a time.
    package borrowing func lent() -> LuaFastCall { LuaFastCall(record) }

    /// A call without arguments, which takes no results: for a body that gets and gives them otherwise.
    package static func withNone<Value>(_ body: (consuming LuaFastCall) throws -> Value) rethrows -> Value {
        var record = clh_fast_call()
        return try withUnsafeMutablePointer(to: &record) { try body(LuaFastCall($0)) }
    }

    /// Whether the argument at `index` is of this kind and ``plain(_:)`` gives it. Numbers are of the declared
    /// kind as they came.
    package func isPlain(_ index: Int, _ kind: LuaPlainKind) -> Bool {
        guard index >= 0, index < argumentCount, let arguments = record.pointee.arguments else {
            return kind == .any
        }
        let value = arguments[index]
        switch kind {
        case .boolean: return value.type == CLH_BOOLEAN
        case .integer: return value.type == CLH_INTEGER
        case .number: return value.type == CLH_INTEGER || value.type == CLH_FLOAT
        case .text: return value.type == CLH_TEXT && LuaFastScalar(value).isPlain
        case .table: return (value.type == CLH_MAP || value.type == CLH_LIST) && LuaFastScalar(value).isPlain
        case .key: return value.type == CLH_INTEGER || value.type == CLH_TEXT && LuaFastScalar(value).isPlain
        case .any: return LuaFastScalar(value).isPlain
        }
    }

    /// Adds a text, or a nil. As for ``write(any:)``.
    package mutating func write(any text: String?) -> Bool {
        guard let text else {
            writeNull()
            return true
        }
        guard text.utf8.count <= record.pointee.byte_capacity - record.pointee.byte_count else {
            return write(any: PortableValue.string(text))
        }
        write(text)
        return true
    }

    /// Begins a table with named fields: names and values follow, and ``closeFields(_:)`` with what this gives.
    package mutating func openFields() -> Int {
        let place = Int(record.pointee.result_count)
        writeNull()
        return place
    }

    /// Ends a table that holds names and values without parts, or encoded ones.
    package mutating func closeFields(_ place: Int) {
        let count = Int(record.pointee.result_count) - place - 1
        guard count >= 0, record.pointee.is_overflown == 0, let results = record.pointee.results else {
            return
        }
        results[place].type = CLH_MAP
        results[place].length = count / 2
    }

    /// Whether all results have found room.
    package var fits: Bool { record.pointee.is_overflown == 0 }
}

extension LuaFastScalar {
    /// Whether ``plain`` gives it; texts that are no UTF-8 are not plain here.
    var isPlain: Bool {
        switch value.type {
        case CLH_NIL, CLH_BOOLEAN, CLH_INTEGER, CLH_FLOAT: return true
        case CLH_TEXT: return Self.isText(value)
        case CLH_LIST, CLH_MAP: return LuaFastTable(self)?.isPlain ?? false
        default: return false
        }
    }

    static func isText(_ text: clh_scalar) -> Bool {
        let bytes = UnsafeRawBufferPointer(start: text.text, count: text.length)
        for byte in bytes where byte >= 0x80 { return String(validating: bytes, as: UTF8.self) != nil }
        return true
    }
}
