import ClusterServices
import Portable
import Testing

/// Whatever a plugin passes, the answer is a value or an error at its line, and the server goes on.
@Suite struct HostileArgumentTests {
    /// Code whose call must raise, and what the message must hold.
    static let refused: [(code: String, text: String)] = [
        ("local t = {} t.a = { b = t } perigee.json.encode(t)", "value.a.b"),
        ("local t = {} for _ = 1, 100000 do t = { t } end perigee.json.encode(t)", "deep"),
        ("local t = {} for i = 1, 40 do t[i] = ('x'):rep(1000000) end perigee.json.encode(t)", "larger than"),
        ("perigee.kv.put('k', ('x'):rep(300000))", "262144"),
        ("perigee.kv.put('k', 0 / 0)", "not finite"),
        ("perigee.json.encode(math.huge)", "value"),
        ("perigee.json.encode({ [1] = 1, [1000000] = 2 })", "value"),
        ("perigee.json.encode({ 1, 2, x = 3 })", "value"),
        ("perigee.json.encode({ [{}] = 1 })", "value"),
        ("perigee.json.encode({ [1.5] = 1 })", "value"),
        ("perigee.json.encode(setmetatable({}, { __index = error, __len = error }))", "value"),
        ("perigee.json.encode({ a = { [2] = print } })", "value.a"),
        ("perigee.json.encode(coroutine.create(print))", "value"),
        ("perigee.kv.put('', 1)", "1 to 512 bytes"),
        ("perigee.kv.put('a\\0b', 1)", "1 to 512 bytes"),
        ("perigee.kv.put(('x'):rep(1000000), 1)", "larger than 524288 bytes"),
        ("local t = ('x'):rep(2000) for _ = 1, 30 do t = { t, t } end perigee.kv.put('k', t)", "larger than"),
        ("local t = ('x'):rep(2000) for _ = 1, 30 do t = { t, t } end perigee.json.encode(t)", "than 524288"),
        ("perigee.kv.put('\\255', 1)", "not UTF-8"),
        ("perigee.kv.get({})", "string expected, got table"),
        ("perigee.time.iso(math.mininteger)", "no time"),
        ("perigee.time.iso(0 / 0)", "milliseconds"),
        ("perigee.events.publish('other.plugin:x', {})", "under its own id"),
        ("perigee.events.publish('a.x:' .. ('x'):rep(1000), {})", "under its own id"),
        ("perigee.refs.get(1, 'refs/heads/../../x')", "a full ref name"),
        ("perigee.refs.get(1, 'refs/heads/x\\0')", "a full ref name"),
        ("perigee.refs.get({ id = 1.5 }, 'refs/heads/x')", "repository"),
        ("perigee.commits.each(math.huge)", "repository"),
        ("perigee.log.info('x', { [marks] = 1 })", "more than 30 combining marks in a row"),
        ("perigee.log.info('x', { a = { { [marks] = 1 } } })", "more than 30 combining marks in a row"),
        ("perigee.kv.put('k', { [marks] = 1 })", "more than 30 combining marks in a row"),
        ("perigee.kv.put(marks, 1)", "more than 30 combining marks in a row"),
        ("perigee.kv.put('k', 1, { [marks] = 1 })", "more than 30 combining marks in a row"),
        ("perigee.events.publish(marks, {})", "more than 30 combining marks in a row"),
        ("for _ in perigee.commits.each(1, { tip = marks }) do end", "more than 30 combining marks in a row"),
        ("perigee.json.encode({ [marks] = 1 })", "more than 30 combining marks in a row"),
        ("local x = perigee.config[marks]", "declares no setting"),
        (
            "for _ in ipairs(setmetatable({}, { __index = function() perigee.kv.get('k') end })) do end",
            "main.lua"
        ),
    ]

    @Test func `what cannot cross is refused at the caller's line with what and where it is`() async throws {
        let list = Self.refused.map { "function() \($0.code) end," }.joined(separator: "\n")
        let server = try await TestServer.running(
            """
            local marks = "a" .. ("\u{301}"):rep(120000) .. ("\u{323}"):rep(120000)
            local texts = {}
            for index, call in ipairs({
            \(list)
            }) do
              local fine, text = pcall(call)
              texts[index] = fine and "no error" or text
            end
            return texts
            """, permissions: #""refs": "read", "commits": "read""#)
        let texts = try await server.run([:])[0]?.listValue ?? []
        #expect(texts.count == Self.refused.count)
        for (text, expected) in zip(texts, Self.refused) {
            let text = text.stringValue ?? "\(text)"
            #expect(
                text.contains(expected.text) && text.hasPrefix("main.lua:"), "\(expected.code): \(text)")
            #expect(text.utf8.count <= 8 * 1024 + 20)
        }
        await server.stop()
    }

    @Test func `what is only shown or kept may have any marks`() async throws {
        let server = try await TestServer.running(
            """
            local marks = "a" .. ("\u{301}"):rep(60000) .. ("\u{323}"):rep(60000)
            perigee.log.info(marks, { a = marks })
            perigee.kv.put("k", { marks:sub(1, 200001) })
            local _, err = perigee.json.decode('{"' .. marks .. '": 1}')
            local read = perigee.json.decode('{"\u{e9}": "' .. marks .. '"}')
            return #perigee.kv.get("k")[1], err.message, read["\u{e9}"] == marks
            """)
        let result = try await server.run([:])
        #expect(result[0] == 200_001 && result[2] == true)
        #expect(result[1]?.stringValue?.contains("more than 30 combining marks in a row") == true)
        await server.stop()
    }

    /// As deep in calls of C as Lua lets a plugin get, on the stack of a plugin's own thread.
    @Test func `the deepest calls leave the host a stack`() async throws {
        let server = try await TestServer.running(
            """
            local json = ('{"\u{e9}": [1, '):rep(32) .. "null" .. ("]}"):rep(32)
            local depth, deepest, nest = 0, {}, nil
            local function ask()
              depth = depth + 1
              deepest[#deepest] = math.max(deepest[#deepest], depth)
              -- The host reads it, for its names, and refuses to hand it over.
              pcall(perigee.json.decode, json)
              perigee.log.info("deep", { a = { { { 1 } } } })
            end
            local function reach()
              ask()
              nest()
              return "x"
            end
            function nest()
              local late, of_late = {}, {}
              setmetatable(late, of_late)
              local function first() of_late.__tostring = reach return "y" end
              print(late, setmetatable({}, { __tostring = first }))
            end
            local function replace()
              ask()
              return (("x"):gsub("x", setmetatable({}, { __index = replace })))
            end
            local function format()
              ask()
              return ("%s"):format(setmetatable({}, { __tostring = format }))
            end
            for _, way in ipairs({ nest, replace, format }) do
              depth, deepest[#deepest + 1] = 0, 0
              assert(not pcall(way))
            end
            return deepest
            """)
        let deepest = try await server.run([:])[0]?.listValue?.compactMap(\.integerValue) ?? []
        #expect(deepest.count == 3 && deepest.allSatisfy { $0 > 50 }, "got: \(deepest)")
        await server.stop()
    }

    @Test func `names are names, in the plugin's own space`() async throws {
        let server = try await TestServer.running(
            """
            local kv = perigee.kv
            local keys = { "..", "../plugin/a.y/k", "/k", "plugin/a.y/k", "a/../b", "k ", "ä" }
            for _, key in ipairs(keys) do assert(kv.put(key, key)) end
            local seen = {}
            for key, value in kv.each("") do assert(key == value) seen[#seen + 1] = key end
            return #seen == #keys
            """)
        #expect(try await server.run([:]) == [true])
        #expect(try await server.kv.fetchValue(namespace: "plugin/a.y", key: "k") == nil)
        #expect(
            try await server.kv.fetchValue(namespace: "plugin/a.x", key: "../plugin/a.y/k")?.value
                == "../plugin/a.y/k")
        await server.stop()
    }

    @Test func `numbers at the edges come back as they were`() async throws {
        let server = try await TestServer.running(
            """
            local numbers = {
              math.mininteger, math.maxinteger, 0, -0.0, 2 ^ 53, 2 ^ -1074, 1.7976931348623157e308,
            }
            for _, number in ipairs(numbers) do
              assert(perigee.kv.put("n", number))
              local back = perigee.kv.get("n")
              assert(back == number and math.type(back) == math.type(number), tostring(number))
            end
            return true
            """)
        #expect(try await server.run([:]) == [true])
        await server.stop()
    }

    @Test func `an answer larger than the plugin's memory fails the call and nothing else`() async throws {
        let server = try await TestServer.running(
            """
            local text, kept = "[" .. ("[1],"):rep(150000) .. "1]", {}
            local last
            for index = 1, 100 do
              local fine, value = pcall(perigee.json.decode, text)
              if not fine then last = value break end
              kept[index] = value
            end
            kept = nil
            return last, perigee.json.decode("[7]")[1]
            """)
        let result = try await server.run([:])
        #expect(result[0]?.stringValue?.contains("memory") == true, "\(result)")
        #expect(result[1] == 7)
        await server.stop()
    }

    @Test func `many coroutines with a call each are served one after another`() async throws {
        let server = try await TestServer.running(
            """
            local all, sum = {}, 0
            for index = 1, 10000 do
              all[index] = coroutine.wrap(function() return perigee.config.repository(index) and 1 or 0 end)
            end
            for index = 1, 500 do sum = sum + all[index]() end
            return sum
            """)
        #expect(try await server.run([:])[0]?.integerValue == 500)
        await server.stop()
    }
}
