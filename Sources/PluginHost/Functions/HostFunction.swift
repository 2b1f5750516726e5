/// One function that plugins can call: declared once, with everything its checks, stubs and page are made
/// from.
package struct HostFunction: Sendable {
    /// When it may be called.
    package enum Phase: Sendable, Hashable {
        /// While the main chunk runs, and at no other time: what a plugin does is known before it runs.
        case registration
        /// At any time.
        case any
    }

    /// The name in its module: `get` for `perigee.kv.get`.
    package let name: String
    /// What it does; the first sentence stands alone.
    package let summary: String
    /// What it takes, in order.
    package let parameters: [HostParameter]
    /// What it gives, in order.
    package let results: [HostResult]
    /// What the manifest must ask for; `nil` when every plugin may call it.
    package let permission: HostPermission?
    /// The api version that brought it.
    package let since: String
    /// When it may be called.
    package let phase: Phase
    /// A few lines of Lua that use it and compile.
    package let example: String
    /// What runs.
    package let body: HostBody

    /// Declares a function.
    package init(
        _ name: String, summary: String, parameters: [HostParameter] = [], results: [HostResult] = [],
        permission: HostPermission? = nil, since: String = "1", phase: Phase = .any, example: String,
        body: HostBody
    ) {
        self.name = name
        self.summary = summary
        self.parameters = parameters
        self.results = results
        self.permission = permission
        self.since = since
        self.phase = phase
        self.example = example
        self.body = body
    }

    /// Whether a call may wait, and so lets other handlers of the plugin run.
    package var waits: Bool {
        switch body {
        case .reading, .quick, .glance, .json, .immediate, .making: false
        case .waiting, .obtaining, .loading, .pages, .bracket: true
        }
    }
}

/// A parameter of a host function; an optional one may be left out or `nil`.
package typealias HostParameter = HostField

/// A result of a host function; an optional one may be `nil`.
package typealias HostResult = HostField
