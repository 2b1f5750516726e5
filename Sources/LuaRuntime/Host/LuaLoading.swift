package import Portable

/// A host function that has its results, or has a Lua function make them: that of a cache.
///
/// `f(..., fn)`: it first tries to answer at once; else it is entered like a bracket, and leaves with what
/// the function gave. The function is the last argument, or one that was handed over before.
package struct LuaLoading: Sendable {
    /// What entering decides.
    package enum Decision: Sendable {
        /// These are the results; nothing is run.
        case answered([PortableValue])
        /// The last argument is run, or `function` where given; ``LuaLoading/leave`` follows in any case.
        case run(LuaBracket, function: LuaFunctionReference?)
    }

    /// Answers as a fast function does, or calls ``LuaFastCall/pass()``.
    package typealias Attempt = LuaHostFunction.Fast
    /// Waits if it has to; the function itself is not among the arguments.
    package typealias Enter = @Sendable (LuaArguments, LuaCallContext) async throws -> Decision
    /// Gets what the function gave, `nil` when it raised or its run was ended; gives the call's results. What
    /// it throws after an error of the function is dropped unless it is misuse.
    package typealias Leave =
        @Sendable (_ state: any Sendable, _ results: [PortableValue]?, LuaCallContext) async throws ->
        [PortableValue]

    let attempt: Attempt
    let enter: Enter
    let leave: Leave

    /// Describes the three steps.
    package init(attempt: @escaping Attempt, enter: @escaping Enter, leave: @escaping Leave) {
        self.attempt = attempt
        self.enter = enter
        self.leave = leave
    }
}
