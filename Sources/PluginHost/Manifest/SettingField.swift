package import Portable

/// One setting that a manifest declares: its type, its default and what may be given.
package struct SettingField: Sendable, Hashable {
    /// What a setting holds.
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        case boolean
        case integer
        case number
        case string
        /// Written `15m`; plugins get milliseconds.
        case duration
        /// Written `16MiB`; plugins get bytes.
        case size
        /// A list of strings.
        case list
    }

    /// What it holds.
    package let kind: Kind
    /// As written; `nil` when the setting has none, and then it may be absent.
    package let defaultValue: PortableValue?
    /// As written. For strings the least length in characters, for lists the least number of entries.
    package let min: PortableValue?
    /// As written. For strings the greatest length in characters, for lists the greatest number of entries.
    package let max: PortableValue?
    /// The strings that are allowed; `nil` for any.
    package let choices: [String]?
    /// Whether it is kept out of what the REST API shows.
    package let isSecret: Bool
    /// A setting of the same scope: when that changes and this secret is not given anew, it is forgotten, as
    /// it was given for what that said.
    package let boundTo: String?
    /// What it means, in a sentence.
    package let doc: String?

    /// - Throws: ``ManifestError``, also when the default breaks the field's own bounds.
    init(_ object: ManifestObject) throws(ManifestError) {
        try object.refuseUnknownKeys(
            known: ["type", "default", "min", "max", "choices", "secret", "bound_to", "description"])
        let word = try object.requiredString("type")
        guard let kind = Kind(rawValue: word) else {
            let names = Kind.allCases.map(\.rawValue)
            let hint = Nearest.match(word, among: names).map { "did you mean \"\($0)\"?" }
            throw ManifestError(
                object.path("type"),
                "unknown type \"\(word)\"; \(hint ?? "known are \(names.joined(separator: ", "))")")
        }
        self.kind = kind
        isSecret = try object.boolean("secret") ?? false
        boundTo = try object.string("bound_to")
        doc = try object.string("description", bytesMax: 4_000)
        choices = try object.strings("choices")
        guard boundTo == nil || isSecret else {
            throw ManifestError(object.path("bound_to"), "only a secret is bound to another setting")
        }
        defaultValue = object.map["default"]
        min = object.map["min"]
        max = object.map["max"]
        try checkBounds(object)
        if let defaultValue, let problem = problem(of: defaultValue) {
            throw ManifestError(object.path("default"), problem)
        }
    }

    private func checkBounds(_ object: ManifestObject) throws(ManifestError) {
        if choices != nil, kind != .string {
            throw ManifestError(object.path("choices"), "only a string has choices")
        }
        for (key, bound) in [("min", min), ("max", max)] {
            guard let bound else { continue }
            guard kind != .boolean else { throw ManifestError(object.path(key), "a boolean has no \(key)") }
            guard Self.measure(bound, asBoundOf: kind) != nil else {
                throw ManifestError(object.path(key), "\(Self.example(of: kind)) is expected")
            }
        }
    }

    /// What is wrong with a value for this setting, as a lower-case clause; `nil` when nothing is.
    package func problem(of value: PortableValue) -> String? {
        switch (kind, value) {
        case (.boolean, .bool), (.integer, .integer), (.number, .integer), (.number, .double),
            (.string, .string):
            break
        case (.duration, .string(let text)) where DurationText.milliseconds(text) != nil: break
        case (.size, .string(let text)) where SizeText.bytes(text) != nil: break
        case (.list, .list(let items)):
            guard items.allSatisfy({ $0.stringValue != nil }) else { return "every entry must be a string" }
        default:
            return "\(Self.expectation(of: kind)) is expected, not \(value.jsonKind)\(Self.quoted(value))"
        }
        if let choices, let text = value.stringValue, !choices.contains(text) {
            let list = choices.map { "\"\($0)\"" }.joined(separator: ", ")
            return "\"\(text)\" is not one of \(list)"
        }
        return boundsProblem(of: value)
    }

    private func boundsProblem(of value: PortableValue) -> String? {
        guard let measure = Self.measure(value, of: kind) else { return nil }
        if let min, let least = Self.measure(min, asBoundOf: kind), measure < least {
            return "less than the minimum, \(Self.text(min))\(Self.unit(of: kind))"
        }
        if let max, let most = Self.measure(max, asBoundOf: kind), measure > most {
            return "more than the maximum, \(Self.text(max))\(Self.unit(of: kind))"
        }
        return nil
    }

    /// The value as plugins get it: durations in milliseconds, sizes in bytes, the rest as written.
    package func converted(_ value: PortableValue) -> PortableValue {
        switch (kind, value) {
        case (.duration, .string(let text)):
            DurationText.milliseconds(text).map(PortableValue.integer) ?? .null
        case (.size, .string(let text)): SizeText.bytes(text).map(PortableValue.integer) ?? .null
        default: value
        }
    }

    private static func measure(_ value: PortableValue, of kind: Kind) -> Double? {
        switch (kind, value) {
        case (.integer, .integer(let number)), (.number, .integer(let number)): Double(number)
        case (.number, .double(let number)): number
        case (.string, .string(let text)): Double(text.count)
        case (.duration, .string(let text)): DurationText.milliseconds(text).map(Double.init)
        case (.size, .string(let text)): SizeText.bytes(text).map(Double.init)
        case (.list, .list(let items)): Double(items.count)
        default: nil
        }
    }

    private static func measure(_ value: PortableValue, asBoundOf kind: Kind) -> Double? {
        switch kind {
        case .string, .list: value.integerValue.map(Double.init)
        default: measure(value, of: kind)
        }
    }

    private static func expectation(of kind: Kind) -> String {
        switch kind {
        case .boolean: "true or false"
        case .integer: "a whole number"
        case .number: "a number"
        case .string: "a string"
        case .duration: "a duration such as \"15m\""
        case .size: "a size such as \"16MiB\""
        case .list: "a list of strings"
        }
    }

    private static func example(of kind: Kind) -> String {
        kind == .string || kind == .list ? "a whole number" : expectation(of: kind)
    }

    private static func unit(of kind: Kind) -> String {
        switch kind {
        case .string: " characters"
        case .list: " entries"
        default: ""
        }
    }

    private static func quoted(_ value: PortableValue) -> String {
        if case .string(let text) = value { " \"\(text.prefix(60))\"" } else { "" }
    }

    private static func text(_ value: PortableValue) -> String {
        switch value {
        case .integer(let number): "\(number)"
        case .double(let number): "\(number)"
        case .string(let text): text
        default: "?"
        }
    }
}
