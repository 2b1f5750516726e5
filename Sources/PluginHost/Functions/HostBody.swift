package import Portable

/// What runs when a plugin calls a host function.
package enum HostBody: Sendable {
    /// The body of a quick function.
    package typealias Quick = @Sendable (inout HostQuickCall) throws -> Void
    /// Whether a quick function has nothing to do now.
    package typealias Idle = @Sendable (PluginContext) -> Bool

    /// Gives an integer at once, takes nothing and allocates nothing: a clock, a counter.
    case reading(@Sendable () -> Int64)
    /// Answers at once, on the Lua thread, for at most two arguments; must not block. It costs about twice a
    /// plain C function; tables cost more by what making values of them takes. A body that throws has had no
    /// effect, for it is then run again, and one that has effects gives nothing, or a value without parts and
    /// not a text. Where `unless` says so, nothing is done for arguments that are in order.
    case quick(Quick, unless: Idle? = nil)
    /// A method that answers at once where a look at a key suffices, and else as an immediate one.
    case glance(HostLoading.Glance, otherwise: @Sendable (HostCall) throws -> [PortableValue])
    /// Writes or reads JSON, in C; what is out of order, large or unusual is answered by `otherwise`.
    case json(HostJSON, otherwise: @Sendable (HostCall) throws -> [PortableValue])
    /// Answers at once, on the Lua thread; must not block. Takes functions and costs some ten times a plain C
    /// function: for registrations.
    case immediate(@Sendable (HostCall) throws -> [PortableValue])
    /// Answers at once with an object of a ``HostClass``, as ``HostCall/plugin``'s handles give it.
    case making(@Sendable (HostCall) throws -> HostHandle)
    /// The calling coroutine waits for an object. A failure with an outcome gives `nil, err` as everywhere.
    case obtaining(@Sendable (HostCall) async throws -> HostHandle)
    /// A method that has its results, or has a Lua function make them.
    case loading(HostLoading)
    /// The calling coroutine waits; the plugin's other handlers go on.
    case waiting(@Sendable (HostCall) async throws -> [PortableValue])
    /// An iterator for a `for` loop, fed page by page; the cursor is `nil` for the first page.
    case pages(@Sendable (HostCall, PortableValue?) async throws -> HostPage)
    /// Takes a function as its last argument, and runs it between entering and leaving, in the same
    /// coroutine. `leave` gets the bracket's state and whether the function ended without an error.
    case bracket(
        enter: @Sendable (HostCall) async throws -> HostBracket,
        leave: @Sendable (_ state: any Sendable, _ succeeded: Bool) async throws -> Void)
}

/// Which way a JSON function goes.
package enum HostJSON: Sendable {
    /// A value in, its text out.
    case write
    /// A text in, its value out.
    case read
}

/// What entering a bracket gives.
package struct HostBracket: Sendable {
    /// Handed to the leaving function and, while open, to every host call of the run.
    package let state: any Sendable
    /// The Lua function's first argument; it ends with the bracket. `nil` when it gets plain data alone.
    package let handle: HostHandle?
    /// Arguments of the Lua function, after the object.
    package let arguments: [PortableValue]

    /// - Parameter state: Any value; the host only passes it on.
    package init(state: any Sendable, handle: HostHandle? = nil, arguments: [PortableValue] = []) {
        self.state = state
        self.handle = handle
        self.arguments = arguments
    }
}

/// A page of what an iterator gives.
package struct HostPage: Sendable, Hashable {
    /// The items, in order; none is `.null`.
    package let items: [PortableValue]
    /// Where the next page begins; `nil` on the last.
    package let next: PortableValue?
    /// Whether each item is a list whose elements become the loop's variables (`for key, value in ...`).
    package let itemsAreTuples: Bool

    /// - Parameter next: Handed back to ask for the next page.
    package init(items: [PortableValue], next: PortableValue?, itemsAreTuples: Bool = false) {
        self.items = items
        self.next = next
        self.itemsAreTuples = itemsAreTuples
    }
}
