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
    /// Functions in options tables, by place such as `2.process`.
    package let optionCallbacks: [String: PluginCallback]
    /// The number of the object whose method was called; 0 for a function.
    package let receiver: Int64
    /// Whether the function that a bracket or a loading method may run was passed; it stays in Lua.
    package let hasFunction: Bool
    /// Identifies the run; calls of one handler share it.
    package let run: UInt64
    /// What the caller of the handler passed along, such as the push being judged.
    package let callerContext: (any Sendable)?
    /// States of the brackets that are open in this run, innermost last.
    package let brackets: [any Sendable]

    /// Describes a call; made by the host, and by tests.
    package init(
        plugin: PluginContext, function: String, arguments: [PortableValue],
        callbacks: [Int: PluginCallback] = [:], optionCallbacks: [String: PluginCallback] = [:],
        receiver: Int64 = 0, hasFunction: Bool = false, run: UInt64 = 0, callerContext: (any Sendable)? = nil,
        brackets: [any Sendable] = []
    ) {
        self.plugin = plugin
        self.function = function
        self.arguments = arguments
        self.callbacks = callbacks
        self.optionCallbacks = optionCallbacks
        self.receiver = receiver
        self.hasFunction = hasFunction
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

    /// The function in a field of the options table at a position; `nil` when it was left out.
    package func callback(_ index: Int, _ field: String) -> PluginCallback? {
        optionCallbacks["\(index + 1).\(field)"]
    }

    /// What the object stands for whose method was called.
    /// - Throws: ``HostFailure`` of kind `.misuse` when it has ended, or belongs to another run.
    package func object<Object: HostObject>(as type: Object.Type = Object.self) throws -> Object {
        guard let object = try findObject(as: type) else { throw HostFailure.isOver(function) }
        return object
    }

    /// As ``object(as:)``, `nil` when it has ended.
    package func findObject<Object: HostObject>(as type: Object.Type = Object.self) throws -> Object? {
        guard let object = plugin.handles.object(receiver, run: run) else { return nil }
        guard let object = object as? Object else { throw HostFailure.isOther(function) }
        return object
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
