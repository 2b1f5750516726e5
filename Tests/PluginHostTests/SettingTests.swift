import PluginHost
import Portable
import Testing

@Suite struct SettingTests {
    private func schema() throws -> SettingSchema {
        let text = """
            {"id": "a", "version": "1.0.0", "api": 1, "config": {
              "on": {"type": "boolean", "default": true}, "count": {"type": "integer", "min": 1, "max": 9},
              "ratio": {"type": "number", "default": 0.5}, "word": {"type": "string", "choices": ["a", "b"]},
              "wait": {"type": "duration", "default": "1h30m", "max": "2h"},
              "room": {"type": "size", "default": "2KiB"},
              "names": {"type": "list", "default": ["x"], "max": 2},
              "token": {"type": "string", "secret": true}}}
            """
        return try PluginManifest.parse(Array(text.utf8)).config
    }

    @Test func `plugins get defaults, with durations in milliseconds and sizes in bytes`() throws {
        #expect(
            try schema().resolved([:])
                == ["on": true, "ratio": 0.5, "wait": 5_400_000, "room": 2_048, "names": ["x"]])
        #expect(try schema().resolved(["wait": "1s", "count": 3])["wait"] == 1_000)
    }

    @Test(
        arguments: [
            (["on": 1], "true or false is expected, not a number"),
            (["count": 0], "less than the minimum, 1"),
            (["count": 10], "more than the maximum, 9"), (["count": 1.5], "a whole number is expected"),
            (["word": "c"], "\"c\" is not one of \"a\", \"b\""),
            (["wait": "3h"], "more than the maximum, 2h"),
            (["wait": "soon"], "a duration such as \"15m\" is expected, not a string \"soon\""),
            (["room": "2KB"], "a size such as \"16MiB\" is expected"),
            (["names": ["a", 1]], "every entry must be a string"),
            (["names": ["a", "b", "c"]], "more than the maximum, 2 entries"),
            (["wat": "3h"], "unknown setting; did you mean \"wait\"?"),
            ([], "an object is expected, not a list"),
        ] as [(PortableValue, String)])
    func `a value that does not fit is refused with the reason`(
        settings: PortableValue, expected: String
    ) throws {
        let problem = try schema().problem(of: settings)?.problem ?? ""
        #expect(problem.contains(expected), "got: \(problem)")
    }

    @Test func `secrets are not shown, and stay when they are left out`() throws {
        let schema = try schema()
        let stored: PortableValue = ["token": "s3cret", "count": 2]
        #expect(schema.shown(stored)["token"] == nil)
        #expect(schema.shown(stored)["count"] == 2)
        #expect(schema.merged(["count": 3], over: stored) == ["token": "s3cret", "count": 3])
        #expect(schema.merged(["token": nil], over: stored) == [:])
        #expect(schema.resolved(stored)["token"] == "s3cret")
    }

    @Test func `a stored value that an upgrade made invalid counts as absent`() throws {
        #expect(try schema().resolved(["count": "many", "gone": 1]) == schema().resolved([:]))
    }

    @Test(
        arguments: [
            ("250ms", 250), ("15m", 900_000), ("1h30m", 5_400_000), ("0s", 0), ("10000d", 864_000_000_000),
            ("", nil), ("15", nil), ("m", nil), ("30m1h", nil), ("1h1h", nil), ("-1s", nil), ("1.5s", nil),
            ("1 s", nil),
            ("99999999999999999999d", nil), ("10001d", nil), ("١s", nil),
        ] as [(String, Int64?)])
    func `durations are numbers with units, larger units first`(text: String, milliseconds: Int64?) {
        #expect(DurationText.milliseconds(text) == milliseconds)
    }

    @Test(
        arguments: [
            ("16MiB", 16 << 20), ("1B", 1), ("0B", 0), ("2GiB", 2 << 30), ("16MB", nil), ("16", nil),
            ("MiB", nil),
            ("-1B", nil), ("9223372036854775807KiB", nil), ("1.5KiB", nil),
        ] as [(String, Int64?)])
    func `sizes are one number with a unit`(text: String, bytes: Int64?) {
        #expect(SizeText.bytes(text) == bytes)
    }

    @Test func `versions order as semver says`() {
        let order = [
            "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-rc.2", "1.0.0-rc.10", "1.0.0", "1.2.0",
            "1.10.0",
        ]
        let versions = order.compactMap { SemanticVersion($0) }
        #expect(versions.shuffled().sorted().map(\.description) == order)
    }
}
