/// What a host function knows about the call besides its arguments.
package struct LuaCallContext: Sendable {
    /// The run that calls: unique in its state, never used again.
    package let run: UInt64
    /// What was given to ``LuaState/call(_:_:context:cpuLimit:)`` or ``LuaState/load(_:context:)``.
    package let callerContext: (any Sendable)?
    /// The caller's place, `main.lua:12`; nil when called from no Lua code, and for functions that do not ask
    /// for it (``LuaHostFunction/wantsPosition``).
    package let position: String?
    /// States of the brackets that are open in this run, innermost last.
    package let brackets: [any Sendable]

    /// For callers outside a state, such as tests of host functions.
    package init(
        run: UInt64, callerContext: (any Sendable)? = nil, position: String? = nil,
        brackets: [any Sendable] = []
    ) {
        self.run = run
        self.callerContext = callerContext
        self.position = position
        self.brackets = brackets
    }
}
