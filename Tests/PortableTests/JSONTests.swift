import Foundation
import Portable
import Testing

@Suite struct JSONTests {
    @Test(
        arguments: [
            ("null", .null), (" true ", true), ("0", 0), ("-0", 0), ("-0.0", -0.0), ("12.50", 12.5),
            ("1e3", 1000.0),
            ("1E-2", 0.01), ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
            ("9223372036854775808", 9223372036854775808.0), ("\"\"", ""),
            ("\"a\\u0041\\n\\/\\\\\\\"\"", "aA\n/\\\""),
            ("\"\\ud83d\\ude00\"", "😀"), ("\"\\u0000\"", "\u{0}"), ("[]", []), ("[1,[2],{}]", [1, [2], [:]]),
            ("{\"a\":{\"b\":[null]}, \"\" : 1}", ["a": ["b": [nil]], "": 1]),
        ] as [(String, PortableValue)])
    func `what the grammar allows is read`(text: String, value: PortableValue) throws {
        #expect(try JSON.decode(text) == value)
    }

    @Test(arguments: [
        ("", 0, "a value is expected and the text ends"), ("nul", 0, "a value is expected"),
        ("01", 0, "must not begin with 0"),
        ("-", 1, "a digit"), ("1.", 2, "after the point"), ("1e", 2, "exponent"), ("1e999", 0, "too large"),
        ("+1", 0, "a value"),
        (".5", 0, "a value"), ("NaN", 0, "a value"), ("'a'", 0, "a value"), ("[1,]", 3, "a value"),
        ("[1 2]", 3, "a comma or ]"),
        ("{\"a\":1,}", 7, "a name in double quotes"), ("{a:1}", 1, "a name"), ("{\"a\" 1}", 5, "a colon"),
        ("{\"a\":1 \"b\":2}", 7, "a comma or }"), ("{\"a\":1,\"a\":2}", 7, "\"a\" occurs twice"),
        ("\"abc", 0, "not closed"),
        ("\"a\\", 2, "not closed"), ("\"\\x\"", 1, "unknown escape"), ("\"\\u12g4\"", 1, "hexadecimal"),
        ("\"\n\"", 1, "control character"),
        ("\"\\ud800\"", 1, "lone surrogate"), ("\"\\udc00\"", 1, "lone surrogate"),
        ("\"\\ud800\\u0041\"", 1, "lone surrogate"),
        ("1 2", 2, "something follows"), ("// x", 0, "a value"), ("[\n  1,\n  x]", 9, "line 3, column 3"),
    ])
    func `what the grammar does not allow is refused at its place`(text: String, offset: Int, reason: String)
    {
        let error = #expect(throws: PortableError.self) { try JSON.decode(text) }
        guard case .malformed(offset, let text) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(text.contains(reason))
    }

    @Test(
        arguments: [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]]
            as [[UInt8]])
    func `a string that is not UTF-8 is refused`(bytes: [UInt8]) {
        for prefix in ["", "\\n"] {
            let text = [UInt8(ascii: "\"")] + Array(prefix.utf8) + bytes + [UInt8(ascii: "\"")]
            let error = #expect(throws: PortableError.self) { try JSON.decode(text) }
            #expect(error?.description.contains("not valid UTF-8") == true)
        }
    }

    @Test func `nesting ends at 64 in both directions`() throws {
        let text = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
        let value = try JSON.decode(text)
        #expect(try JSON.text(value) == text)
        #expect(throws: PortableError.depthExceeded(path: "line 1, column 65")) {
            try JSON.decode("[\(text)]")
        }
        #expect(throws: PortableError.self) { try JSON.decode(String(repeating: "{\"a\":", count: 100_000)) }
        #expect(throws: PortableError.depthExceeded(path: "")) { try JSON.encode([value]) }
    }

    @Test func `a value is written with sorted names, plain slashes and escaped control characters`() throws {
        let value: PortableValue = ["b/": [1, 2.5, nil, true], "a": "q\"\\\n\u{1}é", "c": [:]]
        #expect(try JSON.text(value) == #"{"a":"q\"\\\n\u0001é","b/":[1,2.5,null,true],"c":{}}"#)
        #expect(
            try JSON.text(["a": [1, []], "b": [:]], pretty: true) == """
                {
                  "a": [
                    1,
                    []
                  ],
                  "b": {}
                }
                """)
    }

    @Test func `bytes and numbers that JSON cannot carry are refused`() {
        for value in [.bytes([0xff]), .double(.nan), .double(.infinity)] as [PortableValue] {
            #expect(throws: PortableError.self) { try JSON.encode(["a": [value]]) }
        }
    }

    @Test func `a random value comes back, and another reader of JSON agrees`() throws {
        var randomness = Randomness(seed: 4)
        for _ in 0..<300 {
            let value = randomness.value(isText: true)
            let bytes = try JSON.encode(value, pretty: Bool.random(using: &randomness))
            #expect(try JSON.decode(bytes) == value)
            #expect(throws: Never.self) {
                try JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
            }
        }
    }

    @Test func `random texts and changed JSON are read or refused and never trap`() throws {
        var randomness = Randomness(seed: 5)
        let alphabet = Array("{}[]\",:\\u0123e-+.tfn \n\u{e9}".utf8)
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...40, using: &randomness)).map { _ in
                alphabet[Int.random(in: 0..<alphabet.count, using: &randomness)]
            }
            if let value = try? JSON.decode(bytes) { #expect(try JSON.decode(JSON.encode(value)) == value) }
        }
    }

    @Test func `Codable carries a value to JSON and back`() throws {
        let value: PortableValue = ["a": [1, 2.5, "x", nil, true], "b": ["c": []]]
        let data = try JSONEncoder().encode(value)
        #expect(try JSONDecoder().decode(PortableValue.self, from: data) == value)
        #expect(throws: EncodingError.self) { try JSONEncoder().encode([PortableValue.bytes([1])]) }
    }
}
