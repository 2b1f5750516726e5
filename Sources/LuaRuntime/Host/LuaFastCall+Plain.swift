import CLuaHost
import Portable

/// What an argument may be.
package enum LuaPlainKind: Sendable, Hashable {
    case boolean, integer, number, text, table
    /// A text or an integer.
    case key
    /// Anything that is plain data, nil too.
    case any
    /// Nothing: left to another check.
    case none
}

/// What an argument may be, and whether it may be left out.
package struct LuaPlainParameter: Sendable {
    let kind: LuaPlainKind
    /// Of a text: the only ones.
    let words: [String]?
    let isOptional: Bool

    /// - Parameter words: Of a text: the only ones.
    package init(_ kind: LuaPlainKind, words: [String]? = nil, isOptional: Bool = false) {
        self.kind = kind
        self.words = words
        self.isOptional = isOptional
    }
}

extension LuaFastCall {
    /// The same call, for a type that wraps it, when its arguments are as these say. One of the two is used
    /// at a time.
    package borrowing func lent(_ parameters: [LuaPlainParameter]) -> LuaFastCall? {
        arePlain(parameters) ? LuaFastCall(record) : nil
    }

    /// Whether there are at most these arguments, and they are as these say.
    @inline(__always)
    package borrowing func arePlain(_ parameters: [LuaPlainParameter]) -> Bool {
        guard argumentCount <= parameters.count else { return false }
        for index in parameters.indices where !isPlain(index, parameters[index]) { return false }
        return true
    }

    /// A call without arguments, which takes no results: for a body that gets and gives them otherwise.
    package static func withNone<Value>(_ body: (consuming LuaFastCall) throws -> Value) rethrows -> Value {
        var record = clh_fast_call()
        return try withUnsafeMutablePointer(to: &record) { try body(LuaFastCall($0)) }
    }

    @inline(__always)
    private func isPlain(_ index: Int, _ parameter: LuaPlainParameter) -> Bool {
        if isPlain(index, parameter.kind) {
            guard let words = parameter.words else { return true }
            return text(index).map(words.contains) ?? false
        }
        return parameter.isOptional && isNull(index)
    }

    /// Whether ``plain(_:)`` gives the argument at `index`, and it is of this kind: numbers as they came.
    @inline(__always)
    private func isPlain(_ index: Int, _ kind: LuaPlainKind) -> Bool {
        guard index >= 0, index < argumentCount, let arguments = record.pointee.arguments else {
            return kind == .any
        }
        let type = arguments[index].type
        switch kind {
        case .boolean: return type == CLH_BOOLEAN
        case .integer: return type == CLH_INTEGER
        case .number: return type == CLH_INTEGER || type == CLH_FLOAT
        case .text: return type == CLH_TEXT && isPlain(arguments + index)
        case .table: return (type == CLH_MAP || type == CLH_LIST) && isPlain(arguments + index)
        case .key: return type == CLH_INTEGER || type == CLH_TEXT && isPlain(arguments + index)
        case .any: return isPlain(arguments + index)
        case .none: return false
        }
    }

    private func isPlain(_ value: UnsafePointer<clh_scalar>) -> Bool {
        LuaFastScalar(value.pointee).isPlain
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

    /// Begins a table with named fields: names and values follow, and ``closeFields(_:)`` with what this
    /// gives.
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
    /// Whether ``plain`` gives it; texts that are no UTF-8, or not stream-safe, are not plain here.
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
        if bytes.isASCII { return true }
        return String(validating: bytes, as: UTF8.self)?.isStreamSafe ?? false
    }
}

extension UnsafeRawBufferPointer {
    /// Eight bytes at a time.
    @inline(__always)
    var isASCII: Bool {
        var index = 0
        while index + 8 <= count {
            if loadUnaligned(fromByteOffset: index, as: UInt64.self) & 0x8080_8080_8080_8080 != 0 {
                return false
            }
            index += 8
        }
        while index < count {
            if self[index] >= 0x80 { return false }
            index += 1
        }
        return true
    }
}
