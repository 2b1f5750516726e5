import PluginHost
import Portable
import Testing

@Suite struct PlainModuleTests {
    @Test func `times are written and read`() async throws {
        let server = try await TestServer.running(
            """
            local time = perigee.time
            local now, before = time.now(), time.monotonic()
            assert(time.parse(("9"):rep(500000)) == nil and time.parse("10000-01-01T00:00:00Z") == nil)
            assert(time.parse("9999-12-31T23:59:59.999Z") == 253402300799999)
            assert(time.parse("9999-12-31T23:59:59Z" .. (" "):rep(500000)) == nil)
            return time.iso(1732155956123), time.parse("2024-11-21T02:25:56.123Z"),
              time.parse("2024-11-21T02:25:56Z"),
              time.parse("2024-11-21T03:25:56+01:00"), time.parse("yesterday") == nil, math.type(now),
              now > 1700000000000, time.monotonic() >= before, time.iso(0), select(2, pcall(time.iso, -1))
            """)
        let result = try await server.run([:])
        #expect(
            result.listValue?.dropLast().elementsEqual([
                "2024-11-21T02:25:56.123Z", 1_732_155_956_123, 1_732_155_956_000, 1_732_155_956_000, true,
                "integer",
                true, true, "1970-01-01T00:00:00.000Z",
            ]) == true, "got: \(result)")
        #expect(result[9]?.stringValue?.contains("bad argument #1 'milliseconds'") == true)
        await server.stop()
    }

    @Test func `JSON is written and read`() async throws {
        let server = try await TestServer.running(
            """
            local json = perigee.json
            local value = json.decode('{"a": [1, 2.5, "x", true], "b": {"c": null}}')
            local nothing, err = json.decode("{")
            return json.encode({ b = 1, a = { true, "x" } }), value.a, value.b.c == nil,
              nothing == nil and err.code, err.message, select(2, pcall(json.encode, 0 / 0))
            """)
        let result = try await server.run([:])
        #expect(result[0] == #"{"a":[true,"x"],"b":1}"#)
        #expect(result[1] == [1, 2.5, "x", true])
        #expect(result[2] == true && result[3] == "refused")
        #expect(result[4]?.stringValue?.contains("malformed at byte") == true)
        #expect(result[5]?.stringValue?.contains("value") == true, "got: \(result)")
        await server.stop()
    }

    @Test func `a plugin knows itself and settings that it did not declare are an error`() async throws {
        let server = try await TestServer.running(
            """
            perigee.log.info("line", { a = 1, b = { c = true } })
            return perigee.plugin.id, perigee.plugin.version, perigee.plugin.name,
              select(2, pcall(function() return perigee.config.intervall end))
            """)
        let result = try await server.run([:])
        #expect(result[0] == "a.x" && result[1] == "1.0.0" && result[2] == "a.x")
        #expect(result[3]?.stringValue?.contains("plugin.json declares no setting 'intervall'") == true)
        await server.stop()
    }

    @Test(arguments: [
        (
            "perigee.events.on('repo:ref_changed', print)",
            "there is no event 'repo:ref_changed'; did you mean 'repo:refs_changed'?"
        ),
        (
            "perigee.events.on('repo:refs_changed', function() end)",
            #"needs "events": ["repo:refs_changed"] in plugin.json"#
        ),
        (
            "perigee.events.before_push(function() end)",
            #"perigee.events.before_push needs "before_push": true in plugin.json"#
        ),
        (
            "perigee.events.publish('repo:refs_changed', {})",
            "a plugin raises events under its own id: 'a.x:name'"
        ),
        ("perigee.refs.get(1, 'main')", "a full ref name such as 'refs/heads/main' expected"),
    ])
    func `misuse is an error at load with the reason`(code: String, expected: String) async throws {
        let server = try await TestServer(mains: ["a.x": (#"{"refs": "read"}"#, "\n" + code)])
        let reason = await server.plugins.detail("a.x")?.summary.state.reason ?? ""
        #expect(reason.contains("main.lua:2: ") && reason.contains(expected), "got: \(reason)")
        await server.stop()
    }
}
