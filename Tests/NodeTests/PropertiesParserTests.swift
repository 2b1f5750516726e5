import Testing

@testable import Node

@Suite struct PropertiesParserTests {
    @Test func `keys and values part at the first equals sign, colon or blank`() throws {
        let entries = try parse("a=1\nb: 2\nc 3\nd = x=y:z\ne\n  f\t=\tg h  \n")
        #expect(entries.map(\.key) == ["a", "b", "c", "d", "e", "f"])
        #expect(entries.map(\.value) == ["1", "2", "3", "x=y:z", "", "g h  "])
    }

    @Test func `comments and empty lines are left out, and lines are counted from 1`() throws {
        let entries = try parse("# one\n\n ! two\nkey=value\r\n#x=1\rlast=2")
        #expect(
            entries == [.init(key: "key", value: "value", line: 4), .init(key: "last", value: "2", line: 6)])
    }

    @Test func `a backslash at a line's end goes on in the next line without its leading blanks`() throws {
        let entries = try parse("hosts = a,\\\n        b,\\\n\tc\nnext=1")
        #expect(entries.map(\.value) == ["a,b,c", "1"])
        #expect(entries.map(\.line) == [1, 4])
    }

    @Test func `two backslashes at a line's end are a backslash, not a continuation`() throws {
        #expect(try parse("path=c:\\\\\nnext=1").map(\.value) == ["c:\\", "1"])
    }

    @Test func `a comment sign in a continued line belongs to the value`() throws {
        #expect(try parse("a=1\\\n#2").map(\.value) == ["1#2"])
    }

    @Test func `escapes stand for their characters, also in keys`() throws {
        let entries = try parse("a\\ b\\=c=\\t\\n\\u00e9\\uD83D\\ude00\\q\\#")
        #expect(entries == [.init(key: "a b=c", value: "\t\né😀q#", line: 1)])
    }

    @Test func `text is UTF-8, with or without a byte order mark`() throws {
        #expect(try parse("\u{feff}name=Ångström").map(\.value) == ["Ångström"])
    }

    @Test(arguments: ["a=\\u12", "a=\\u12x4", "a=\\u+123", "a=\\ud800", "ok=1\na=\\u"])
    func `a bad unicode escape is an error with its line`(text: String) {
        let line = text.hasPrefix("ok") ? 2 : 1
        #expect { try parse(text) } throws: { ($0 as? PropertiesParser.Malformed)?.line == line }
    }

    @Test func `bytes that are not UTF-8 are an error with their line`() {
        #expect { try PropertiesParser.parse(Array("a=1\nb=".utf8) + [0xff]) } throws: {
            $0 as? PropertiesParser.Malformed == .init(line: 2, reason: "is not UTF-8")
        }
    }

    @Test(arguments: ["", "\\", "=", "\\\n", "a\\", "\u{c}", ":::"])
    func `odd texts neither trap nor fail`(text: String) throws {
        _ = try parse(text)
    }

    private func parse(_ text: String) throws -> [PropertiesParser.Entry] {
        try PropertiesParser.parse(Array(text.utf8))
    }
}
