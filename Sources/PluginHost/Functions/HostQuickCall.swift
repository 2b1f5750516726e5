import LuaRuntime
package import Portable

/// A call of a quick function: its arguments, checked, and where its results go. It cannot be copied, so
/// nothing of it outlives the call.
package struct HostQuickCall: ~Copyable {
    /// A call that goes the long way, and its results so far.
    private final class Whole {
        let call: HostCall
        var values: [PortableValue] = []
        var fields: [String: PortableValue] = [:]

        init(_ call: HostCall) { self.call = call }
    }

    /// Who calls; it outlives the call, which takes no reference of its own.
    package unowned(unsafe) let plugin: PluginContext
    private var fast: LuaFastCall
    private let whole: Whole?
    private var fits = true

    private init(_ plugin: PluginContext, _ fast: consuming LuaFastCall, _ whole: Whole?) {
        self.plugin = plugin
        self.fast = fast
        self.whole = whole
    }

    /// Whether the body has answered a call whose arguments are as declared, and the results have room.
    @inline(__always)
    static func answers(
        _ call: borrowing LuaFastCall, _ parameters: [LuaPlainParameter], _ plugin: PluginContext,
        _ body: HostBody.Quick
    ) -> Bool {
        guard let lent = call.lent(parameters) else { return false }
        var quick = HostQuickCall(plugin, lent, nil)
        do { try body(&quick) } catch { return false }
        return quick.fits
    }

    /// The results of a call that goes the long way.
    static func results(_ call: HostCall, _ body: HostBody.Quick) throws -> [PortableValue] {
        let whole = Whole(call)
        return try LuaFastCall.withNone { none in
            var quick = HostQuickCall(call.plugin, none, whole)
            try body(&quick)
            return whole.values
        }
    }

    /// The full name, for messages; empty where a body that throws is run again.
    package var function: String { whole?.call.function ?? "" }

    // MARK: - What was passed

    /// An integer argument; `nil` when it was left out.
    package func integer(_ index: Int) -> Int64? {
        if let whole { return whole.call.value(index).integerValue }
        return fast.integer(index)
    }

    /// A string argument; empty when it was left out.
    package func string(_ index: Int) -> String {
        if let whole { return whole.call.string(index) }
        return fast.text(index) ?? ""
    }

    /// Any argument; `.null` when it was left out.
    package func value(_ index: Int) -> PortableValue {
        if let whole { return whole.call.value(index) }
        return fast.plain(index) ?? .null
    }

    /// What the object stands for whose method was called.
    /// - Throws: ``HostFailure`` of kind `.misuse` when it has ended, or belongs to another run.
    package func object<Object: HostObject>(as type: Object.Type = Object.self) throws -> Object {
        guard let object = try findObject(as: type) else { throw HostFailure.isOver(function) }
        return object
    }

    /// As ``object(as:)``, `nil` when it has ended.
    package func findObject<Object: HostObject>(
        as type: Object.Type = Object.self
    ) throws -> Object? {
        guard let object = heldObject else { return nil }
        guard let object = object as? Object else { throw HostFailure.isOther(function) }
        return object
    }

    private var heldObject: (any HostObject)? {
        if let whole { return plugin.handles.object(whole.call.receiver, run: whole.call.run) }
        return plugin.handles.object(fast.receiver, run: fast.run)
    }

    // MARK: - What is given

    /// Adds a truth value to the results.
    package mutating func give(_ flag: Bool) {
        if let whole { whole.values.append(.bool(flag)) } else { fast.write(flag) }
    }

    /// Adds an integer.
    package mutating func give(_ number: Int64) {
        if let whole { whole.values.append(.integer(number)) } else { fast.write(number) }
    }

    /// Adds a text, or a nil.
    package mutating func give(_ text: String?) {
        if let whole { whole.values.append(.optional(text)) } else { fits = fast.write(any: text) && fits }
    }

    /// Adds a value of any shape.
    package mutating func give(any value: PortableValue) {
        if let whole { whole.values.append(value) } else { fits = fast.write(any: value) && fits }
    }

    /// Adds a table: `body` sets its fields.
    package mutating func giveFields(_ body: (inout HostQuickCall) -> Void) {
        if let whole {
            whole.fields = [:]
            body(&self)
            whole.values.append(.map(whole.fields))
            return
        }
        let place = fast.openFields()
        body(&self)
        fast.closeFields(place)
        fits = fast.fits && fits
    }

    /// Sets a field of the table to a truth value.
    package mutating func set(_ name: StaticString, _ flag: Bool) {
        if let whole { return whole.fields["\(name)"] = .bool(flag) }
        fast.writeName(name)
        fast.write(flag)
    }

    /// To an integer.
    package mutating func set(_ name: StaticString, _ number: Int64) {
        if let whole { return whole.fields["\(name)"] = .integer(number) }
        fast.writeName(name)
        fast.write(number)
    }

    /// To a text; `nil` leaves it out.
    package mutating func set(_ name: StaticString, _ text: String?) {
        if let whole { return whole.fields["\(name)"] = .optional(text) }
        fast.writeName(name)
        fits = fast.write(any: text) && fits
    }

    /// To a value of any shape.
    package mutating func set(_ name: StaticString, any value: PortableValue) {
        if let whole { return whole.fields["\(name)"] = value }
        fast.writeName(name)
        fits = fast.write(any: value) && fits
    }
}
