/// A Lua function that was handed to the host, kept alive in its state until released.
package struct LuaFunctionReference: Sendable, Hashable {
    /// The place in the state's table of functions.
    package let id: Int32
    /// The state that it belongs to; another state refuses it.
    package let generation: UInt32
}
