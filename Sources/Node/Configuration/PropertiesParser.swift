/// Reads the text of a `.properties` file, in Java's syntax with UTF-8.
///
/// Comments begin with `#` or `!`; key and value part at the first unescaped `=`, `:` or white space; a
/// backslash at
/// a line's end goes on in the next line, whose leading white space is dropped; `\t \n \r \f \uXXXX` and
/// backslash before any other character stand for that character. When a key comes twice the last one holds,
/// as scripts append to such files.
struct PropertiesParser {
    /// A key with its value and the number, from 1, of the line where it begins.
    struct Entry: Equatable {
        var key: String
        var value: String
        var line: Int
    }

    /// Why a file is not a properties file.
    struct Malformed: Error, Equatable {
        var line: Int
        var reason: String
    }

    /// - Throws: ``Malformed``: for bytes that are not UTF-8, and for `\u` without four hexadecimal digits.
    static func parse(_ bytes: [UInt8]) throws(Malformed) -> [Entry] {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Malformed(line: lineOfFirstBadByte(bytes), reason: "is not UTF-8")
        }
        var entries: [Entry] = []
        for (line, logical) in logicalLines(of: text) {
            entries.append(try entry(logical, line: line))
        }
        return entries
    }

    /// Joins continued lines, and leaves out comments and empty lines.
    private static func logicalLines(of text: String) -> [(line: Int, text: [Unicode.Scalar])] {
        var logical: [(line: Int, text: [Unicode.Scalar])] = []
        var isContinued = false
        for (index, natural) in naturalLines(of: text).enumerated() {
            let trimmed = Array(natural.drop(while: isBlank))
            if isContinued {
                logical[logical.count - 1].text += trimmed
            } else {
                guard let first = trimmed.first, first != "#", first != "!" else { continue }
                logical.append((index + 1, trimmed))
            }
            let backslashes = trimmed.reversed().prefix { $0 == "\\" }.count
            isContinued = backslashes % 2 == 1
            if isContinued { logical[logical.count - 1].text.removeLast() }
        }
        return logical
    }

    private static func naturalLines(of text: String) -> [ArraySlice<Unicode.Scalar>] {
        var scalars = Array(text.unicodeScalars)
        if scalars.first == "\u{feff}" { scalars.removeFirst() }
        var lines: [ArraySlice<Unicode.Scalar>] = []
        var start = 0
        var index = 0
        while index < scalars.count {
            let scalar = scalars[index]
            if scalar == "\n" || scalar == "\r" {
                lines.append(scalars[start..<index])
                if scalar == "\r", index + 1 < scalars.count, scalars[index + 1] == "\n" { index += 1 }
                start = index + 1
            }
            index += 1
        }
        return lines + [scalars[start...]]
    }

    private static func entry(_ text: [Unicode.Scalar], line: Int) throws(Malformed) -> Entry {
        var end = 0
        while end < text.count, !isBlank(text[end]), text[end] != "=", text[end] != ":" {
            end += text[end] == "\\" ? 2 : 1
        }
        end = min(end, text.count)
        var rest = text[end...].drop(while: isBlank)
        if let separator = rest.first, separator == "=" || separator == ":" {
            rest = rest.dropFirst().drop(while: isBlank)
        }
        return Entry(
            key: try unescape(text[..<end], line: line), value: try unescape(rest, line: line), line: line)
    }

    private static func unescape(_ text: ArraySlice<Unicode.Scalar>, line: Int) throws(Malformed) -> String {
        var units: [UInt16] = []
        var rest = text
        while let scalar = rest.popFirst() {
            guard scalar == "\\", let escaped = rest.popFirst() else {
                units += Array(String(scalar).utf16)
                continue
            }
            switch escaped {
            case "t": units.append(9)
            case "n": units.append(10)
            case "f": units.append(12)
            case "r": units.append(13)
            case "u":
                let digits = String(String.UnicodeScalarView(rest.prefix(4)))
                guard digits.utf8.count == 4, let unit = UInt16(digits, radix: 16), digits.first != "+" else {
                    throw Malformed(line: line, reason: "has \\u without four hexadecimal digits")
                }
                units.append(unit)
                rest = rest.dropFirst(4)
            default: units += Array(String(escaped).utf16)
            }
        }
        guard let value = String(validating: units, as: UTF16.self) else {
            throw Malformed(line: line, reason: "has half of a \\u surrogate pair")
        }
        return value
    }

    private static func isBlank(_ scalar: Unicode.Scalar) -> Bool {
        scalar == " " || scalar == "\t" || scalar == "\u{c}"
    }

    private static func lineOfFirstBadByte(_ bytes: [UInt8]) -> Int {
        var line = 1
        for part in bytes.split(separator: 10, omittingEmptySubsequences: false) {
            if String(validating: part, as: UTF8.self) == nil { return line }
            line += 1
        }
        return line
    }
}
