/// Blanks out comments and the content of string literals, so that rules look at code alone.
///
/// Line breaks stay where they are. Code inside `\(...)` of a string counts as part of the string; quotes
/// inside it
/// are followed, so that the string's end is found.
struct CodeMask {
    private var input: [Character]
    private var output: [Character] = []
    private var index = 0

    /// The text with blanks in place of comments and strings.
    static func mask(_ text: String) -> String {
        var mask = CodeMask(input: Array(text))
        while mask.index < mask.input.count { mask.step() }
        return String(mask.output)
    }

    private init(input: [Character]) {
        self.input = input
    }

    private mutating func step() {
        if starts(with: "//") {
            while index < input.count, input[index] != "\n" { blank() }
        } else if starts(with: "/*") {
            while index < input.count, !starts(with: "*/") { blank() }
            blank(2)
        } else if input[index] == "'", isCharacterLiteral {
            blank(input[index + 1] == "\\" ? 4 : 3)
        } else if input[index] == "\"" || input[index] == "#", let pounds = stringStart() {
            string(pounds: pounds)
        } else {
            output.append(input[index])
            index += 1
        }
    }

    /// C's `'x'` and `'\n'`.
    private var isCharacterLiteral: Bool {
        let length = index + 1 < input.count && input[index + 1] == "\\" ? 3 : 2
        return index + length < input.count && input[index + length] == "'"
    }

    /// How many `#` come before the quote that begins here; `nil` when none begins.
    private func stringStart() -> Int? {
        var at = index
        while at < input.count, input[at] == "#" { at += 1 }
        return at < input.count && input[at] == "\"" ? at - index : nil
    }

    private mutating func string(pounds: Int) {
        blank(pounds)
        let quote = starts(with: "\"\"\"") ? "\"\"\"" : "\""
        let end = quote + String(repeating: "#", count: pounds)
        let escape = "\\" + String(repeating: "#", count: pounds)
        blank(quote.count)
        while index < input.count, !starts(with: end) {
            if starts(with: escape + "(") {
                blank(escape.count + 1)
                interpolation()
            } else if starts(with: escape) {
                blank(escape.count + 1)
            } else if quote.count == 1, input[index] == "\n" {
                return
            } else {
                blank()
            }
        }
        blank(end.count)
    }

    private mutating func interpolation() {
        var depth = 1
        while index < input.count, depth > 0 {
            if input[index] == "\"" || input[index] == "#", let pounds = stringStart() {
                string(pounds: pounds)
                continue
            }
            if input[index] == "(" { depth += 1 }
            if input[index] == ")" { depth -= 1 }
            blank()
        }
    }

    private func starts(with text: String) -> Bool {
        var at = index
        for character in text {
            guard at < input.count, input[at] == character else { return false }
            at += 1
        }
        return true
    }

    private mutating func blank(_ count: Int = 1) {
        for _ in 0..<count where index < input.count {
            output.append(input[index] == "\n" ? "\n" : " ")
            index += 1
        }
    }
}
