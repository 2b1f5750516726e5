/// Objects that functions give, with methods: `perigee.Cache`, which `perigee.caches.open` gives.
///
/// What an object stands for is a ``HostObject``, which ``PluginHandles`` keeps; Lua code has a number.
package struct HostClass: Sendable {
    /// The name without `perigee.`: `Cache`.
    package let name: String
    /// What it is, in a sentence or two.
    package let summary: String
    /// What each object has as fields of its own, in the order they are documented.
    package let fields: [HostField]
    /// What may be done with it, in the order it is documented; called as `cache:get(...)`.
    package let methods: [HostFunction]

    /// Declares a class.
    /// - Parameter fields: None makes the look-up of methods faster.
    package init(_ name: String, summary: String, fields: [HostField] = [], methods: [HostFunction]) {
        self.name = name
        self.summary = summary
        self.fields = fields
        self.methods = methods
    }

    /// The name with `perigee.`.
    package var fullName: String { "perigee.\(name)" }
}
