package import Portable

/// A class of objects that Lua code can be given: their methods are host functions with this as `receiver`.
package struct LuaClass: Sendable, Hashable {
    /// Shown in messages, such as `perigee.Cache`.
    package let name: String
    /// Whether each object has fields of its own; without them methods are found faster.
    package let hasFields: Bool

    /// - Parameter name: Once in a state.
    package init(name: String, hasFields: Bool = false) {
        self.name = name
        self.hasFields = hasFields
    }
}

/// An object that is handed to Lua code, which can keep it, call its methods and read its fields, and nothing
/// else: it cannot be passed back as an argument, stored, or had by another state.
package struct LuaObject: Sendable, Hashable {
    /// Its class's name.
    package let className: String
    /// What its methods are told of it; the host knows what it stands for.
    package let id: Int64
    /// Values that Lua code reads as fields, for a class that has them; methods go before.
    package let fields: [String: PortableValue]

    /// - Parameter className: A class of the state.
    package init(className: String, id: Int64, fields: [String: PortableValue] = [:]) {
        self.className = className
        self.id = id
        self.fields = fields
    }
}
