import Testing

/// The rules are only as good as what they see.
@Suite struct CodeMaskTests {
    @Test func `comments and strings are blanked, code and line breaks stay`() {
        #expect(CodeMask.mask("a /* x\ny */ b // c\nd") == "a     \n     b     \nd")
        #expect(CodeMask.mask(#"f("try!", x)"#) == "f(      , x)")
        #expect(CodeMask.mask(##"f(#"a"b"#)"##) == "f(       )")
        #expect(CodeMask.mask("x = \"\"\"\n a \"q\" {\n \"\"\"; y").hasSuffix("   ; y"))
    }

    @Test func `a string in an interpolation does not end the outer one`() {
        let masked = CodeMask.mask(#"g("a \(b.map { "}" }) c", d) }"#)
        #expect(masked.hasSuffix(", d) }"))
        #expect(!masked.contains("{"))
    }

    @Test func `functions are measured from their first line to their brace`() {
        let code = """
            struct A {
                func one() { }
                package init(
                    a: Int
                ) throws {
                    if a { b }
                }
                func required()
            }
            """.split(separator: "\n").map(String.init)
        let found = FunctionMeasure.functions(in: code)
        #expect(found == [.init(line: 2, lines: 1), .init(line: 3, lines: 5)])
    }
}
