import HTTPServing
import Portable

/// A JSON object of a request body, read field by field with its types checked.
///
/// Unknown fields are ignored, as clients of the original send whole entities back.
struct BodyFields: Sendable {
    private let fields: [String: PortableValue]
    private let path: String

    init(_ fields: [String: PortableValue], path: String = "") {
        self.fields = fields
        self.path = path
    }

    /// Whether the field is there, even as null.
    func has(_ name: String) -> Bool { fields[name] != nil }

    /// The text of the field, `nil` when it is absent or null.
    /// - Throws: A 400 naming the field when it is no string, or holds U+0000.
    func text(_ name: String) throws -> String? {
        guard let value = filled(name) else { return nil }
        guard let text = value.stringValue else { throw mistyped(name, value, expected: "a string") }
        guard !text.utf8.contains(0) else {
            throw RequestError.badRequest(full(name), "\"\(full(name))\" has a NUL character. Leave it out.")
        }
        return text
    }

    /// - Throws: A 400 naming the field when it is absent, empty or no string.
    func requiredText(_ name: String) throws -> String {
        guard let text = try text(name), !text.isEmpty else {
            throw RequestError.badRequest(full(name), "\"\(full(name))\" is missing. Give it a value.")
        }
        return text
    }

    /// - Throws: A 400 naming the field when it is no boolean.
    func flag(_ name: String) throws -> Bool? {
        guard let value = filled(name) else { return nil }
        guard let flag = value.boolValue else { throw mistyped(name, value, expected: "true or false") }
        return flag
    }

    /// - Throws: A 400 naming the field when it is no whole number.
    func integer(_ name: String) throws -> Int64? {
        guard let value = filled(name) else { return nil }
        guard let number = value.integerValue else { throw mistyped(name, value, expected: "a whole number") }
        return number
    }

    /// - Throws: A 400 naming the field when it is no list of strings.
    func texts(_ name: String) throws -> [String]? {
        guard let value = filled(name) else { return nil }
        guard let list = value.listValue else { throw mistyped(name, value, expected: "a list of strings") }
        return try list.map { element in
            guard let text = element.stringValue, !text.utf8.contains(0) else {
                throw mistyped(name, element, expected: "a list of strings")
            }
            return text
        }
    }

    /// - Throws: A 400 naming the field when it is no object.
    func object(_ name: String) throws -> BodyFields? {
        guard let value = filled(name) else { return nil }
        guard let map = value.mapValue else { throw mistyped(name, value, expected: "an object") }
        return BodyFields(map, path: full(name))
    }

    private func filled(_ name: String) -> PortableValue? {
        guard let value = fields[name], value != .null else { return nil }
        return value
    }

    private func full(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

    private func mistyped(_ name: String, _ value: PortableValue, expected: String) -> RequestError {
        .badRequest(full(name), "\"\(full(name))\" is \(value.kindForPeople). Give \(expected).")
    }
}

extension PortableValue {
    /// What a person would call a value of this kind, with its article.
    var kindForPeople: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .integer, .double: "a number"
        case .string: "a string"
        case .bytes: "bytes"
        case .list: "a list"
        case .map: "an object"
        }
    }
}
