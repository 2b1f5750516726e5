import LuaRuntime

/// The state of a bracket, with the object that the Lua function was given, which ends with it.
struct OpenedBracket: Sendable {
    let state: any Sendable
    private let handle: HostHandle?

    /// What the Lua state keeps of a bracket.
    static func lua(_ bracket: HostBracket) -> LuaBracket {
        guard let handle = bracket.handle else {
            return LuaBracket(state: bracket.state, arguments: bracket.arguments)
        }
        return LuaBracket(
            state: OpenedBracket(state: bracket.state, handle: handle), object: handle.object,
            arguments: bracket.arguments)
    }

    /// Of what the Lua state kept.
    init(_ kept: any Sendable) {
        self = kept as? OpenedBracket ?? OpenedBracket(state: kept, handle: nil)
    }

    private init(state: any Sendable, handle: HostHandle?) {
        self.state = state
        self.handle = handle
    }

    /// Ends the object, if there is one.
    func end(_ handles: PluginHandles) {
        if let handle { handles.remove(handle.id) }
    }
}
