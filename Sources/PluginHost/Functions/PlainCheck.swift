import LuaRuntime

/// The quick check of an argument; what it does not let through may be right all the same.
struct PlainCheck: Sendable {
    /// `nil` for what is left to the other check.
    private let kind: LuaPlainKind?
    private let words: [String]?
    private let isOptional: Bool

    init(_ parameter: HostParameter) {
        isOptional = parameter.isOptional
        if case .choice(let words) = parameter.type { self.words = words } else { words = nil }
        kind =
            switch parameter.type {
            case .boolean: .boolean
            case .integer: .integer
            case .number: .number
            case .string, .choice: .text
            case .table: .table
            case .key: .key
            case .value: .any
            default: nil
            }
    }

    /// Whether the argument at a position from 0 is as declared.
    func passes(_ call: borrowing LuaFastCall, _ index: Int) -> Bool {
        guard let kind else { return isOptional && call.isNull(index) }
        if call.isPlain(index, kind) {
            guard let words else { return true }
            return call.text(index).map(words.contains) ?? false
        }
        return isOptional && call.isNull(index)
    }
}
