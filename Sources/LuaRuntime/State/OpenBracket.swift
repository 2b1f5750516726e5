/// A bracket that a run has entered and not left.
struct OpenBracket {
    let token: Int64
    let state: any Sendable
    let leave: LuaHostFunction.Leave
}
