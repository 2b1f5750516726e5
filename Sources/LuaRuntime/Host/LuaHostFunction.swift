package import Portable

/// One function, or one read-only table, that Lua code finds under a dotted path.
package struct LuaHostFunction: Sendable {
    /// Where it is found, such as `perigee.kv.get`; a method is `perigee.Cache:get`, with its class's name.
    package let path: String
    /// Names for error messages, `value[3].owner: a function cannot be stored`; missing ones read `value`.
    package let parameterNames: [String]
    /// Whether Lua functions may be passed, as an argument or inside an options table.
    package let acceptsFunctions: Bool
    /// Whether the caller's place is looked up, which costs as much as a small call.
    package let wantsPosition: Bool
    /// How it runs.
    package let kind: Kind

    /// - Parameter path: Words joined by dots; the tables on the way are made.
    package init(
        path: String, parameterNames: [String] = [], acceptsFunctions: Bool = false,
        wantsPosition: Bool = false, kind: Kind
    ) {
        self.path = path
        self.parameterNames = parameterNames
        self.acceptsFunctions = acceptsFunctions
        self.wantsPosition = wantsPosition
        self.kind = kind
    }

    /// Answers at once, on the Lua thread; must not block.
    package typealias Immediate = @Sendable (LuaArguments, LuaCallContext) throws -> [PortableValue]
    /// Answers at once, on the Lua thread, without allocating: scalars, and tables of them, in and out. Costs
    /// about twice a plain C function. Functions and deeper tables are refused before it is called.
    package typealias Fast = @Sendable (inout LuaFastCall) -> Void
    /// The coroutine yields and the host takes its time. The body begins on the Lua thread and leaves it
    /// where it first waits: it must not block.
    package typealias Waiting = @Sendable (LuaArguments, LuaCallContext) async throws -> [PortableValue]
    /// Gives the page after `cursor`; the first one for nil.
    package typealias Pages = @Sendable (LuaArguments, PortableValue?, LuaCallContext) async throws -> LuaPage
    /// Opens a bracket; its arguments are those before the function.
    package typealias Enter = @Sendable (LuaArguments, LuaCallContext) async throws -> LuaBracket
    /// Closes a bracket; `succeeded` is false when the function raised or its run was ended. What it throws
    /// replaces the function's results.
    package typealias Leave =
        @Sendable (_ state: any Sendable, _ succeeded: Bool, LuaCallContext) async throws -> Void
    /// Answers at once with an object.
    package typealias Making = @Sendable (LuaArguments, LuaCallContext) throws -> LuaObject
    /// Waits for an object.
    package typealias Obtaining = @Sendable (LuaArguments, LuaCallContext) async throws -> LuaObject
    /// Gives a field of a table when Lua code reads it; `null` when there is none.
    package typealias Index = @Sendable (_ key: String) throws -> PortableValue

    /// Which way a JSON function goes.
    package enum JSONWork: Sendable {
        /// A plain value in, its text out: names sorted, no space.
        case write
        /// A text in, its value out: null is nil.
        case read
    }

    /// How a host function runs.
    package enum Kind: Sendable {
        case immediate(Immediate)
        case fast(Fast)
        case waiting(Waiting)
        /// `for x in f(...) do`: asks for the next page when the last one is used up.
        case pages(Pages)
        /// `f(..., fn)`: enter, run `fn` in the same coroutine, leave; `fn`'s results are the call's.
        case bracket(enter: Enter, leave: Leave)
        /// First tries to answer as a fast function, which also gets tables in tables, and may pass; then
        /// answers as an immediate one.
        case attempt(Fast, otherwise: Immediate)
        /// Turns its argument into JSON or back, in C: about what such a function written in C costs. What is
        /// out of order, large or unusual is answered by `otherwise`, which must do the same.
        /// `answered` is told of each call that was not.
        case json(JSONWork, answered: @Sendable () -> Void, otherwise: Immediate)
        /// Has its results or has a Lua function make them.
        case loading(LuaLoading)
        /// Answers at once with an object.
        case making(Making)
        /// The coroutine yields, and is given an object.
        case obtaining(Obtaining)
        /// The path names a table; fields that are no functions are asked for.
        case index(Index)
    }
}
