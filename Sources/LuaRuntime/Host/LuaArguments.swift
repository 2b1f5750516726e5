package import Portable

/// The arguments of one host call, as plain data.
package struct LuaArguments: Sendable {
    /// One value per argument; where a function was passed, `null`.
    package let values: [PortableValue]
    /// Functions by place, counted from 1: `"1"` for an argument, `"2.process"` for an option, `"2.steps.3"`
    /// in a list.
    package let functions: [String: LuaFunctionReference]
    /// The id of the object whose method was called; 0 for a function.
    package var receiver: Int64 = 0
    /// Whether a bracket was passed the function that it may run, which is not among the arguments.
    package var hasFunction = false

    /// - Parameter functions: By place, as above.
    package init(values: [PortableValue], functions: [String: LuaFunctionReference] = [:]) {
        self.values = values
        self.functions = functions
    }

    /// How many arguments were passed, trailing nils included.
    package var count: Int { values.count }

    /// The argument at `index`, counted from 0; `null` when there are fewer.
    package subscript(index: Int) -> PortableValue {
        values.indices.contains(index) ? values[index] : .null
    }

    /// The function passed as the argument at `index`, counted from 0.
    package func function(_ index: Int) -> LuaFunctionReference? {
        functions["\(index + 1)"]
    }

    /// The argument at `index` as a list; an empty table counts as an empty list.
    package func list(_ index: Int) -> [PortableValue]? {
        Self.list(self[index])
    }

    /// `value` as a list; an empty map counts as one, since Lua's `{}` is both.
    package static func list(_ value: PortableValue) -> [PortableValue]? {
        switch value {
        case .list(let items): items
        case .map(let entries) where entries.isEmpty: []
        default: nil
        }
    }
}
