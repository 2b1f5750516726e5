package import Portable

/// A method whose results are there already, or are made by a Lua function: `cache:get(key, loader)`.
///
/// The function runs in the caller's coroutine. It is the last argument, or one that was handed over before.
package struct HostLoading: Sendable {
    /// What entering decides.
    package enum Decision: Sendable {
        /// These are the results.
        case answered([PortableValue])
        /// The last argument is run, or `callback` where given; ``HostLoading/leave`` follows in any case.
        case run(HostBracket, callback: PluginCallback?)
    }

    /// The first argument of a method, lent for the call.
    package enum Key {
        /// A string's bytes.
        case text(UnsafeRawBufferPointer)
        /// A whole number.
        case integer(Int64)
    }

    /// Answers at once, on the Lua thread, by calling `answer` with one encoded value; must not block. Gives
    /// whether it has; else the call goes on at `enter`.
    package typealias Glance =
        @Sendable (_ object: any HostObject, _ key: Key, _ answer: (UnsafeRawBufferPointer) -> Void) -> Bool
    /// Waits if it has to. The function is not among the arguments.
    package typealias Enter = @Sendable (HostCall) async throws -> Decision
    /// Gets what the function gave, `nil` when it raised or its run was ended; gives the call's results.
    package typealias Leave =
        @Sendable (_ state: any Sendable, _ results: [PortableValue]?) async throws -> [PortableValue]

    let glance: Glance
    let enter: Enter
    let leave: Leave

    /// Describes the three steps.
    package init(glance: @escaping Glance, enter: @escaping Enter, leave: @escaping Leave) {
        self.glance = glance
        self.enter = enter
        self.leave = leave
    }
}
