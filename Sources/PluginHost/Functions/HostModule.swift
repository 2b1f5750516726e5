package import Portable

/// One module of the Lua-visible API, such as `perigee.kv`: the single source of its functions, stubs and
/// pages.
package struct HostModule: Sendable {
    /// The module's name: `kv` for `perigee.kv`.
    package let name: String
    /// What a plugin does with it, in a sentence or two.
    package let summary: String
    /// The api version that brought it.
    package let since: String
    /// The functions, in the order they are documented.
    package let functions: [HostFunction]
    /// Fields that hold a value, such as `perigee.plugin.id`.
    package let constants: [HostConstant]
    /// Table shapes that the functions take or give.
    package let records: [HostRecord]
    /// Classes of the objects that the functions give.
    package let classes: [HostClass]
    /// Told the id of a plugin that has ended on this node with no newer state in its place: what it still
    /// holds is let go.
    package let release: (@Sendable (_ plugin: String) async -> Void)?
    /// Reads a field that is neither a function nor a constant; `nil` when there are none.
    package let index: HostIndex?
    /// Longer text for the reference page, as Markdown paragraphs; empty for none.
    package let notes: String

    /// Declares a module; what is left out is empty.
    package init(
        _ name: String, summary: String, since: String = "1", notes: String = "", records: [HostRecord] = [],
        constants: [HostConstant] = [], index: HostIndex? = nil, functions: [HostFunction] = [],
        classes: [HostClass] = [], release: (@Sendable (_ plugin: String) async -> Void)? = nil
    ) {
        self.name = name
        self.summary = summary
        self.since = since
        self.notes = notes
        self.records = records
        self.constants = constants
        self.index = index
        self.functions = functions
        self.classes = classes
        self.release = release
    }
}

/// A field of a module that never changes while the plugin runs.
package struct HostConstant: Sendable {
    /// The field's name: `id` for `perigee.plugin.id`.
    package let name: String
    /// What it holds.
    package let type: HostType
    /// What it means, in a sentence.
    package let doc: String
    /// The value for one plugin.
    package let value: @Sendable (PluginContext) -> PortableValue

    /// Declares a field.
    package init(
        _ name: String, _ type: HostType, _ doc: String,
        value: @escaping @Sendable (PluginContext) -> PortableValue
    ) {
        self.name = name
        self.type = type
        self.doc = doc
        self.value = value
    }
}

/// Fields of a module that are looked up when they are read, such as `perigee.config.interval`.
package struct HostIndex: Sendable {
    /// What may be read, in a sentence.
    package let doc: String
    /// The value of one field; throws ``HostFailure`` of kind `.misuse` for a field that does not exist.
    package let value: @Sendable (PluginContext, String) throws -> PortableValue

    /// Declares looked-up fields.
    package init(_ doc: String, value: @escaping @Sendable (PluginContext, String) throws -> PortableValue) {
        self.doc = doc
        self.value = value
    }
}
