import LuaRuntime
import Portable

/// The quick check of an argument that has no parts; what it does not let through may be right all the same.
struct ScalarCheck: Sendable {
    private enum Kind {
        case boolean
        case integer
        case number
        case string
        case other
    }

    private let kind: Kind
    private let isOptional: Bool

    /// - Parameter parameter: `nil` where the function takes no more.
    init(_ parameter: HostParameter?) {
        isOptional = parameter?.isOptional ?? true
        kind =
            switch parameter?.type {
            case .boolean: .boolean
            case .integer: .integer
            case .number: .number
            case .string: .string
            default: .other
            }
    }

    /// The argument at a position from 0, if it is as declared.
    func value(_ call: borrowing LuaFastCall, _ index: Int) -> PortableValue? {
        let value = call.plain(index)
        switch (kind, value) {
        case (_, .null): return isOptional ? value : nil
        case (.boolean, .bool), (.integer, .integer), (.string, .string): return value
        case (.number, .integer), (.number, .double): return value
        default: return nil
        }
    }
}
