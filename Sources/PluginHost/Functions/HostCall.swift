package import Portable

/// One call of a host function by a plugin, after its arguments and the permission were checked.
package struct HostCall: Sendable {
    /// Who calls.
    package let plugin: PluginContext
    /// The full name, such as `perigee.kv.get`, for messages.
    package let function: String
    /// The arguments, as many as there are parameters; those left out are `.null`.
    package let arguments: [PortableValue]
    /// Functions among the arguments, by position from 0.
    package let callbacks: [Int: PluginCallback]
    /// Identifies the run; calls of one handler share it.
    package let run: UInt64
    /// What the caller of the handler passed along, such as the push being judged.
    package let callerContext: (any Sendable)?
    /// States of the brackets that are open in this run, innermost last.
    package let brackets: [any Sendable]

    /// Describes a call; made by the host, and by tests.
    package init(
        plugin: PluginContext, function: String, arguments: [PortableValue],
        callbacks: [Int: PluginCallback] = [:],
        run: UInt64 = 0, callerContext: (any Sendable)? = nil, brackets: [any Sendable] = []
    ) {
        self.plugin = plugin
        self.function = function
        self.arguments = arguments
        self.callbacks = callbacks
        self.run = run
        self.callerContext = callerContext
        self.brackets = brackets
    }

    /// The argument at a position from 0; `.null` beyond the last.
    package func value(_ index: Int) -> PortableValue {
        arguments.indices.contains(index) ? arguments[index] : .null
    }

    /// A checked string argument; empty when it was left out.
    package func string(_ index: Int) -> String { value(index).stringValue ?? "" }

    /// A string argument that may be left out.
    package func optionalString(_ index: Int) -> String? { value(index).stringValue }

    /// A checked integer argument; 0 when it was left out.
    package func integer(_ index: Int) -> Int64 { value(index).integerValue ?? 0 }

    /// An integer argument that may be left out.
    package func optionalInteger(_ index: Int) -> Int64? { value(index).integerValue }

    /// The id of a `.repository` argument: the integer itself, or the `id` of the record.
    package func repository(_ index: Int) -> RepositoryID {
        RepositoryID(rawValue: value(index).integerValue ?? value(index)["id"]?.integerValue ?? 0)
    }

    /// The options table at a position; an empty map when it was left out.
    package func options(_ index: Int) -> PortableValue {
        if case .map = value(index) { value(index) } else { .map([:]) }
    }

    /// A list argument; an empty table counts as an empty list, since Lua's `{}` is both.
    package func list(_ index: Int) -> [PortableValue] { value(index).listValue ?? [] }

    /// The function at a position.
    /// - Throws: ``HostFailure`` of kind `.misuse` when there is none.
    package func callback(_ index: Int) throws -> PluginCallback {
        guard let callback = callbacks[index] else {
            throw HostFailure.misuse("bad argument #\(index + 1) to '\(function)' (function expected)")
        }
        return callback
    }

    /// - Throws: ``HostFailure`` of kind `.misuse` that names the parameter and says what is wrong with it.
    package func require(_ condition: Bool, argument index: Int, _ name: String, _ problem: String) throws {
        if !condition {
            throw HostFailure.misuse("bad argument #\(index + 1) '\(name)' to '\(function)' (\(problem))")
        }
    }

    /// - Throws: ``HostFailure/denied(function:_:)`` with the line to add to the manifest.
    package func require(_ permission: HostPermission) throws {
        if !plugin.manifest.permissions.grants(permission) {
            throw HostFailure.denied(function: function, permission)
        }
    }
}
