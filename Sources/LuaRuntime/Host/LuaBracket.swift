package import Portable

/// What entering a bracket gives: the state to leave it with, and the arguments of the function inside.
package struct LuaBracket: Sendable {
    /// Handed to the leaving function and, while open, to every host call of the run.
    package let state: any Sendable
    /// The Lua function's first argument; nil when it gets plain data alone.
    package let object: LuaObject?
    /// Arguments of the Lua function, after the object.
    package let arguments: [PortableValue]

    /// - Parameter state: Any value of the host's; Lua code never sees it.
    package init(state: any Sendable, object: LuaObject? = nil, arguments: [PortableValue] = []) {
        self.state = state
        self.object = object
        self.arguments = arguments
    }
}
