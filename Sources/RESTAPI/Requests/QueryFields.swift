import HTTPServing

/// The query parameters of a request, by name, in the order they came.
struct QueryFields: Sendable {
    private let fields: [(name: String, value: String)]

    /// - Throws: A 400 when an escape is broken, or a value holds U+0000.
    init(query: String?) throws {
        var fields: [(name: String, value: String)] = []
        for pair in (query ?? "").split(separator: "&", omittingEmptySubsequences: true) {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let value = parts.count == 2 ? parts[1] : ""
            guard let name = PercentDecoding.decode(parts[0], plusIsSpace: true),
                let value = PercentDecoding.decode(value, plusIsSpace: true)
            else {
                throw RequestError.badRequest(
                    nil, "The query has a broken %-escape. Write it as %XX of UTF-8 bytes.")
            }
            guard !name.utf8.contains(0), !value.utf8.contains(0) else {
                throw RequestError.badRequest(nil, "The query has a NUL character. Leave it out.")
            }
            fields.append((name, value))
        }
        self.fields = fields
    }

    /// The first value of that name, `nil` when it is absent.
    func text(_ name: String) -> String? {
        fields.first { $0.name == name }?.value
    }

    /// The first value of that name, `nil` when it is absent or empty.
    func filledText(_ name: String) -> String? {
        text(name).flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The first value of each name.
    var firsts: [String: String] {
        Dictionary(fields.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
    }

    /// Every value of that name.
    func texts(_ name: String) -> [String] {
        fields.filter { $0.name == name }.map(\.value)
    }

    /// - Throws: A 400 naming the parameter when it is absent or empty.
    func requiredText(_ name: String) throws -> String {
        guard let value = filledText(name) else {
            throw RequestError.badRequest(
                name, "The query parameter \"\(name)\" is missing. Give it a value.")
        }
        return value
    }

    /// `true` and `false` in any case, or 1 and 0; a name without a value is true.
    /// - Throws: A 400 naming the parameter for anything else.
    func flag(_ name: String) throws -> Bool? {
        guard let value = text(name) else { return nil }
        switch value.lowercased() {
        case "", "true", "1": return true
        case "false", "0": return false
        default:
            throw RequestError.badRequest(name, "\"\(name)\" is \"\(Excerpt.of(value))\". Use true or false.")
        }
    }

    /// A whole number of at least `minimum`.
    /// - Throws: A 400 naming the parameter when it is no such number, or too large for 64 bits.
    func wholeNumber(_ name: String, minimum: Int) throws -> Int? {
        guard let value = text(name) else { return nil }
        guard let number = Int(value), number >= minimum else {
            throw RequestError.badRequest(
                name, "\"\(name)\" is \"\(Excerpt.of(value))\". Use a whole number from \(minimum) up.")
        }
        return number
    }

    /// One of a closed set of words, matched in any case.
    /// - Throws: A 400 naming the parameter and its words.
    func choice<Choice: RawRepresentable & CaseIterable>(
        _ name: String, of type: Choice.Type = Choice.self
    ) throws -> Choice? where Choice.RawValue == String {
        guard let value = filledText(name) else { return nil }
        guard let choice = Choice(rawValue: value.uppercased()) else {
            let words = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw RequestError.badRequest(
                name, "\"\(name)\" is \"\(Excerpt.of(value))\". Use one of: \(words).")
        }
        return choice
    }
}

/// Text of a request as it may be quoted in an answer.
enum Excerpt {
    /// At most 80 characters, without control characters.
    static func of(_ text: String) -> String {
        let clean = text.prefix(80).map {
            $0.unicodeScalars.contains { $0.value < 32 || $0.value == 127 } ? "?" : $0
        }
        return String(clean) + (text.count > 80 ? "..." : "")
    }
}
