/// The path of an endpoint below a plugin's own: `/report/{repository}`.
package struct RoutePattern: Sendable, Hashable {
    private enum Part: Sendable, Hashable {
        case word(String)
        case parameter(String)
    }

    /// As it was given.
    package let text: String
    private let parts: [Part]

    /// The most parts of a path.
    package static let partsMax = 10

    /// Reads a pattern: 1 to 10 parts after a slash each, of letters, digits, `.`, `_` and `-`, or a name in
    /// braces for one part of any text.
    /// - Returns: `nil` for anything else, also when a name comes twice.
    package init?(_ text: String) {
        guard text.utf8.count <= 200, text.hasPrefix("/") else { return nil }
        var parts: [Part] = []
        var names: Set<Substring> = []
        for part in text.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            if part.hasPrefix("{"), part.hasSuffix("}") {
                let name = part.dropFirst().dropLast()
                guard Self.isName(name), names.insert(name).inserted else { return nil }
                parts.append(.parameter(String(name)))
            } else {
                guard Self.isWord(part) else { return nil }
                parts.append(.word(String(part)))
            }
        }
        guard parts.count <= Self.partsMax else { return nil }
        self.text = text
        self.parts = parts
    }

    /// The names in braces, in their order.
    package var parameters: [String] {
        parts.compactMap { if case .parameter(let name) = $0 { name } else { nil } }
    }

    /// The parameters by name when a path fits.
    /// - Parameter path: The parts of a path, decoded.
    func match(_ path: [String]) -> [String: String]? {
        guard path.count == parts.count else { return nil }
        var values: [String: String] = [:]
        for (part, text) in zip(parts, path) {
            switch part {
            case .word(let word): if word != text { return nil }
            case .parameter(let name): values[name] = text
            }
        }
        return values
    }

    /// Whether this one is meant where both fit: a word says more than a parameter.
    func isMoreSpecific(than other: RoutePattern) -> Bool {
        for (own, their) in zip(parts, other.parts) {
            switch (own, their) {
            case (.word, .parameter): return true
            case (.parameter, .word): return false
            default: continue
            }
        }
        return false
    }

    private static func isName(_ text: Substring) -> Bool {
        guard let first = text.utf8.first, (97...122).contains(first), text.utf8.count <= 40 else {
            return false
        }
        return text.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 95 }
    }

    private static func isWord(_ text: Substring) -> Bool {
        guard !text.isEmpty, text != ".", text != ".." else { return false }
        return text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) }
    }
}
