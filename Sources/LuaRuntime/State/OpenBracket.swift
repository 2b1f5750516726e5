import Portable

/// A bracket that a run has entered and not left.
struct OpenBracket: Sendable {
    let token: Int64
    let state: any Sendable
    let function: LuaHostFunction

    /// Leaves it.
    /// - Parameter results: What the Lua function gave; nil when it raised or its run was ended.
    /// - Returns: The results of the call where they are not the function's own.
    func leave(_ results: [PortableValue]?, _ context: LuaCallContext) async throws -> [PortableValue] {
        switch function.kind {
        case .bracket(_, let leave):
            try await leave(state, results != nil, context)
            return []
        case .loading(let loading): return try await loading.leave(state, results, context)
        default: return []
        }
    }
}
