import LuaRuntime

/// What an object in Lua code's hands stands for: a cache, the guard of a lock, a running job.
package protocol HostObject: AnyObject, Sendable {
    /// Nobody can use it any more: its run is over, or the plugin's state is closed. Called once, on any
    /// thread; must not block.
    func ended()
}

extension HostObject {
    /// Nothing is to be done.
    package func ended() {}
}

/// An object on its way into Lua code: what ``PluginHandles/add(_:as:fields:run:)`` gives.
package struct HostHandle: Sendable, Hashable {
    let object: LuaObject

    /// Its number, for ``PluginHandles/remove(_:)``.
    package var id: Int64 { object.id }
}
