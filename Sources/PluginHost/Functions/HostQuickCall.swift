package import Portable

/// A call of a quick function, its arguments checked.
package struct HostQuickCall {
    /// Who calls.
    package let plugin: PluginContext
    /// The full name, for messages; empty where a body that throws is run again.
    package let function: String
    /// The argument; `.null` when it was left out.
    package let first: PortableValue
    /// The second one.
    package let second: PortableValue
    private let receiver: Int64
    private let run: UInt64

    init(
        plugin: PluginContext, function: String = "", first: PortableValue, second: PortableValue,
        receiver: Int64, run: UInt64
    ) {
        self.plugin = plugin
        self.function = function
        self.first = first
        self.second = second
        self.receiver = receiver
        self.run = run
    }

    init(_ call: HostCall) {
        self.init(
            plugin: call.plugin, function: call.function, first: call.value(0), second: call.value(1),
            receiver: call.receiver, run: call.run)
    }

    /// What the object stands for whose method was called. Inlined, since a cast to a class that is not known
    /// where it is compiled takes longer than the call.
    /// - Throws: ``HostFailure`` of kind `.misuse` when it has ended, or belongs to another run.
    @inlinable package func object<Object: HostObject>(as type: Object.Type = Object.self) throws -> Object {
        guard let object = try findObject(as: type) else { throw HostFailure.isOver(function) }
        return object
    }

    /// As ``object(as:)``, `nil` when it has ended.
    @inlinable package func findObject<Object: HostObject>(
        as type: Object.Type = Object.self
    ) throws -> Object? {
        guard let object = heldObject else { return nil }
        guard let object = object as? Object else { throw HostFailure.isOther(function) }
        return object
    }

    @usableFromInline package var heldObject: (any HostObject)? { plugin.handles.object(receiver, run: run) }
}

/// What a quick function gives.
package enum HostAnswer: Sendable {
    /// A table's fields by name; `.null` for one that is absent.
    package typealias Fields = KeyValuePairs<StaticString, PortableValue>

    /// No results.
    case nothing
    /// One result of any shape; those without parts, and short texts, cost least.
    case value(PortableValue)
    /// A table, made without one in between, and one more result.
    case fields(Fields, then: PortableValue? = nil)

    /// The same as values.
    var values: [PortableValue] {
        switch self {
        case .nothing: return []
        case .value(let value): return [value]
        case .fields(let fields, let then):
            let pairs = fields.map { ("\($0.key)", $0.value) }
            return [.map(Dictionary(pairs) { first, _ in first })] + (then.map { [$0] } ?? [])
        }
    }
}
