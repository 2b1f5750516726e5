/// Finds functions in masked code, and how long they are.
enum FunctionMeasure {
    struct Function: Equatable {
        /// Where it begins, from 1.
        var line: Int
        /// From its first line to its closing brace.
        var lines: Int
    }

    /// Functions, initializers, deinitializers and subscripts with a body. Nested ones are found too.
    static func functions(in code: [String]) -> [Function] {
        code.indices.compactMap { start in
            guard declaresFunction(code[start]), let end = end(of: start, in: code) else { return nil }
            return Function(line: start + 1, lines: end - start + 1)
        }
    }

    /// C functions: from a line at the margin that is no directive to the closing brace at the margin.
    static func cFunctions(in code: [String]) -> [Function] {
        var found: [Function] = []
        var start: Int?
        for (index, line) in code.enumerated() {
            guard let first = line.first else { continue }
            if first == "}" {
                if let begin = start { found.append(Function(line: begin + 1, lines: index - begin + 1)) }
                start = nil
            } else if start == nil, first.isLetter, line.contains("("), !line.hasSuffix(";") {
                start = index
            } else if first.isLetter, line.hasSuffix(";") {
                start = nil
            }
        }
        return found
    }

    private static func declaresFunction(_ line: String) -> Bool {
        let words = line.split(whereSeparator: { $0 == " " || $0 == "(" || $0 == "<" || $0 == "?" })
        for word in words {
            if ["func", "init", "deinit", "subscript"].contains(word) { return true }
            guard modifiers.contains(String(word)) || word.hasPrefix("@") else { return false }
        }
        return false
    }

    /// The line of the brace that closes the body; `nil` for a declaration without one.
    private static func end(of start: Int, in code: [String]) -> Int? {
        var depth = 0
        var parentheses = 0
        for index in start..<code.count {
            for character in code[index] {
                switch character {
                case "(", "[": parentheses += 1
                case ")", "]": parentheses -= 1
                case "{": depth += 1
                case "}":
                    depth -= 1
                    if depth == 0, parentheses == 0 { return index }
                    if depth < 0 { return nil }
                default: break
                }
            }
            // A protocol's requirement ends where its line does.
            let isOver = depth == 0 && parentheses == 0 && index + 1 < code.count
            if isOver, !continues(code[index], next: code[index + 1]) { return nil }
        }
        return nil
    }

    private static func continues(_ line: String, next: String) -> Bool {
        let next = next.drop { $0 == " " }
        return line.last == "," || ["{", "where ", "async", "throws", "->"].contains { next.hasPrefix($0) }
    }

    private static let modifiers: Set = [
        "package", "private", "fileprivate", "internal", "public", "static", "final", "override", "mutating",
        "nonmutating", "nonisolated", "nonsending)", "convenience", "required", "class", "borrowing",
        "consuming",
        "isolated", "distributed", "optional",
    ]
}
