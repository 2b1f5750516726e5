import LuaRuntime

extension LuaPlainParameter {
    /// The quick check of an argument; what it does not let through may be right all the same.
    init(_ parameter: HostParameter) {
        switch parameter.type {
        case .boolean: self.init(.boolean, isOptional: parameter.isOptional)
        case .integer: self.init(.integer, isOptional: parameter.isOptional)
        case .number: self.init(.number, isOptional: parameter.isOptional)
        case .string: self.init(.text, isOptional: parameter.isOptional)
        case .choice(let words): self.init(.text, words: words, isOptional: parameter.isOptional)
        case .table: self.init(.table, isOptional: parameter.isOptional)
        case .key: self.init(.key, isOptional: parameter.isOptional)
        case .value: self.init(.any)
        default: self.init(.none, isOptional: parameter.isOptional)
        }
    }
}
