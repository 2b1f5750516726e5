import LuaRuntime
import Portable

/// The quick check of an argument; what it does not let through may be right all the same.
struct PlainCheck: Sendable {
    private enum Kind {
        case boolean
        case integer
        case number
        case string
        case table
        case key
        case choice([String])
        case value
        case other
    }

    private let kind: Kind
    private let isOptional: Bool

    /// - Parameter parameter: `nil` where the function takes no more.
    init(_ parameter: HostParameter?) {
        isOptional = parameter?.isOptional ?? true || parameter?.type == .value
        kind =
            switch parameter?.type {
            case .boolean: .boolean
            case .integer: .integer
            case .number: .number
            case .string: .string
            case .table: .table
            case .key: .key
            case .choice(let words): .choice(words)
            case .value: .value
            default: .other
            }
    }

    /// The argument at a position from 0, if it is as declared.
    func value(_ call: borrowing LuaFastCall, _ index: Int) -> PortableValue? {
        if index >= call.argumentCount { return isOptional ? .null : nil }
        let value = call.plain(index)
        switch (kind, value) {
        case (_, .null): return isOptional ? value : nil
        case (.boolean, .bool), (.integer, .integer), (.string, .string): return value
        case (.number, .integer), (.number, .double): return value
        case (.table, .map), (.table, .list): return value
        case (.key, .integer), (.key, .string), (.value, .some): return value
        case (.choice(let words), .string(let word)): return words.contains(word) ? value : nil
        default: return nil
        }
    }

    /// Whether the argument is as declared, without making a value of it; texts are ASCII.
    func passes(_ call: borrowing LuaFastCall, _ index: Int) -> Bool {
        if call.isNull(index) { return isOptional }
        switch kind {
        case .boolean, .integer, .number, .key, .choice, .value, .other: return value(call, index) != nil
        case .string: return call.lentText(index)?.allSatisfy { $0 < 0x80 } ?? false
        case .table: return call.isASCIITable(index)
        }
    }
}
