import LuaRuntime

/// A Lua function that a plugin handed to the host; it lives as long as the plugin's state.
package struct PluginCallback: Sendable, Hashable {
    let reference: LuaFunctionReference
}
