/// What a host function takes or gives, as Lua sees it.
package indirect enum HostType: Sendable, Hashable {
    /// `true` or `false`.
    case boolean
    /// A whole number.
    case integer
    /// A whole number or a float.
    case number
    /// A string.
    case string
    /// A string, one of these.
    case choice([String])
    /// A string or a whole number, such as a key.
    case key
    /// Any plain data: nil, boolean, number, string, list or map.
    case value
    /// A table with string keys, or a list.
    case table
    /// A list of these.
    case list(HostType)
    /// A table of the shape declared by a ``HostRecord`` of this name.
    case record(String)
    /// A table of named options; each may be left out, none may be unknown.
    case options(String, [HostField])
    /// A Lua function, with its signature in the notation of the stubs: `fun(event: perigee.Event)`.
    case function(String)
    /// An object of the ``HostClass`` of this name; as a result only.
    case object(String)
    /// An integer that names a repository, or a record that has it as `id`.
    case repository

    /// The type in the notation of the Lua language server.
    package var annotation: String {
        switch self {
        case .boolean: "boolean"
        case .integer: "integer"
        case .number: "number"
        case .string: "string"
        case .choice(let words): words.map { "\"\($0)\"" }.joined(separator: "|")
        case .key: "string|integer"
        case .value: "perigee.Value"
        case .table: "table"
        case .list(let element): "\(element.annotation)[]"
        case .record(let name): "perigee.\(name)"
        case .options(let name, _): "perigee.\(name)"
        case .function(let signature): signature
        case .object(let name): "perigee.\(name)"
        case .repository: "integer|perigee.Repository"
        }
    }
}

/// A value with its name, type and meaning: a parameter, a result, a field of an options table or record.
package struct HostField: Sendable, Hashable {
    /// The name, as error messages and stubs show it.
    package let name: String
    /// What it holds.
    package let type: HostType
    /// What it means, with unit, limit and default, and when it is `nil`.
    package let doc: String
    /// Whether it may be absent.
    package let isOptional: Bool
    /// Of a text that is passed: whether it is only for people, or parsed, and compared with no other. Other
    /// texts have to be stream-safe, see ``StreamSafe``.
    package let isProse: Bool

    /// Declares a value; required, or always there, unless said otherwise.
    package init(
        _ name: String, _ type: HostType, _ doc: String, isOptional: Bool = false, isProse: Bool = false
    ) {
        self.name = name
        self.type = type
        self.doc = doc
        self.isOptional = isOptional
        self.isProse = isProse
    }
}

/// The shape of a table that functions give, such as a repository; `perigee.Repository` in the stubs.
package struct HostRecord: Sendable, Hashable {
    /// The shape's name, without `perigee.`.
    package let name: String
    /// What it is, in a sentence.
    package let doc: String
    /// Its fields, in the order they are documented.
    package let fields: [HostField]

    /// Declares a shape.
    package init(_ name: String, _ doc: String, _ fields: [HostField]) {
        self.name = name
        self.doc = doc
        self.fields = fields
    }
}
