import LuaRuntime
import Portable
import Synchronization
import Testing

@Suite struct FastCallTests {
    /// Gives each argument back as what it takes it for.
    static let echo = LuaHostFunction(
        path: "test.echo", parameterNames: ["first", "second"],
        kind: .fast { call in
            for index in 0..<call.argumentCount {
                if let value = call.integer(index) {
                    call.write(value)
                } else if let value = call.double(index) {
                    call.write(value)
                } else if let value = call.boolean(index) {
                    call.write(value)
                } else if call.isNull(index) {
                    call.writeNull()
                } else if call.withText(index, { $0.count }) != nil {
                    call.write(call.text(index) ?? "")
                }
            }
        })

    @Test func `fast functions answer at once`() async throws {
        let count = Atomic<Int>(0)
        let fast = LuaHostFunction(
            path: "test.next",
            kind: .fast { call in
                guard let step = call.integer(0) else {
                    return call.misuse("bad argument #1 to 'test.next' (integer expected)")
                }
                call.write(Int64(count.add(Int(step), ordering: .relaxed).newValue))
                call.write("text")
                call.write(2.5)
                call.writeNull()
                call.write(true)
            })
        let results = try await TestState.run("test.next(2) return test.next(3)", functions: [fast])
        #expect(results == [5, "text", 2.5, .null, true])
        let error = await TestState.failure("\n\ntest.next('x')", functions: [fast])
        #expect(error?.description == "main.lua:3: bad argument #1 to 'test.next' (integer expected)")
    }

    @Test func `scalars of every kind pass and come back`() async throws {
        let results = try await TestState.run(
            "return test.echo(math.mininteger, math.maxinteger, -1, 2.5, 3.0, true, false, '', 'grüße', nil)",
            functions: [Self.echo])
        #expect(results == [.integer(.min), .integer(.max), -1, 2.5, 3, true, false, "", "grüße", .null])
        #expect(try await TestState.run("return select('#', test.echo())", functions: [Self.echo]) == [0])
    }

    @Test func `numbers and texts are not taken for each other`() async throws {
        let fast = LuaHostFunction(
            path: "test.kinds",
            kind: .fast { call in
                call.write(call.integer(0) == nil && call.double(0) == nil && call.boolean(0) == nil)
                call.write(call.text(1) == nil && call.boolean(1) == nil && call.integer(1) == nil)
                call.write(call.isNull(2) && !call.isNull(0) && call.integer(-1) == nil)
            })
        #expect(
            try await TestState.run("return test.kinds('1', 1.5)", functions: [fast]) == [true, true, true])
    }

    @Test func `bytes that are no UTF-8 pass unchanged`() async throws {
        let fast = LuaHostFunction(
            path: "test.bytes",
            kind: .fast { call in
                let bytes = call.withText(0) { Array($0) } ?? []
                bytes.withUnsafeBytes { call.writeText($0) }
            })
        let results = try await TestState.run(
            "return test.bytes('\\0\\255a') == '\\0\\255a'", functions: [fast])
        #expect(results == [true])
    }

    @Test(arguments: [
        ("test.echo(print)", "main.lua:1: first: only plain data can be passed"),
        ("test.echo(1, {print})", "main.lua:1: second[1]: a function cannot be stored"),
        ("test.echo({a = 0/0})", "main.lua:1: first.a: a number that is not finite cannot be stored"),
        ("test.echo({1, nil, 3})", "main.lua:1: first: a sparse list cannot be stored"),
        (
            "test.echo({1, x = 2})",
            "main.lua:1: first: a table of both list items and named fields cannot be stored"
        ),
        (
            "test.echo(setmetatable({}, {}))",
            "main.lua:1: first: a table with a metatable cannot be stored"
        ),
        (
            "test.echo({{}})",
            "main.lua:1: first: only a table of at most 256 plain fields or items can be passed"
        ),
        (
            "local t = {} for i = 1, 257 do t[i] = i end test.echo(t)",
            "main.lua:1: first: only a table of at most 256 plain fields or items can be passed"
        ),
        ("test.echo(0/0)", "main.lua:1: first: a number that is not finite cannot be passed"),
        (
            "test.echo(1, ('x'):rep(300000))", "main.lua:1: second: a string this long cannot be passed"
        ),
    ])
    func `what fast functions cannot take is refused by name`(_ body: String, _ message: String) async throws
    {
        #expect(await TestState.failure(body, functions: [Self.echo])?.description == message)
    }

    @Test func `tables of plain fields pass and come back`() async throws {
        let fast = LuaHostFunction(
            path: "test.record",
            kind: .fast { call in
                let id = call.withTable(0) { $0["id"]?.integer }
                let name = call.withTable(0) { $0["name"]?.text }
                let counts = call.withTable(0) { ($0.count, $0["nothing"] == nil, $0["on"]?.boolean) }
                let sum = call.withTable(1) { list in
                    (0..<list.count).reduce(0) { $0 + (list[$1]?.integer ?? 0) }
                }
                let isOutside = call.withTable(1) { $0[-1] == nil && $0[3] == nil && $0["id"] == nil }
                call.writeFields { call in
                    call.writeName("id")
                    call.write((id ?? nil) ?? -1)
                    call.writeName("inner")
                    call.writeFields { call in
                        call.writeName("name")
                        call.write((name ?? nil) ?? "")
                        call.writeName("none")
                        call.writeNull()
                    }
                    call.writeName("list")
                    call.writeItems { call in
                        call.write(Int64(counts?.0 ?? 0))
                        call.writeItems { $0.write(counts?.1 == true && counts?.2 == true) }
                        call.writeFields { _ in }
                    }
                }
                call.write(sum ?? -1)
                call.write(isOutside == true)
                call.write(call.withTable(2) { $0.count } == nil)
            })
        let results = try await TestState.run(
            """
            local r, sum, outside, none =
              test.record({id = 7, name = 'grüße', on = true, size = 1.5}, {1, 2, 3}, 'text')
            return r, sum, outside, none, #test.record({}, {}).inner.name
            """, functions: [fast])
        #expect(
            results == [
                ["id": 7, "inner": ["name": "grüße"], "list": [4, [true], [:]]], 6, true, true, 0,
            ])
    }

    @Test func `every field of a table can be visited, and a scalar given back as it came`() async throws {
        let fast = LuaHostFunction(
            path: "test.same",
            kind: .fast { call in
                var found: [(String, LuaFastScalar)] = []
                call.withTable(0) { table in table.forEach { found.append(($0, $1)) } }
                for (_, value) in found.sorted(by: { $0.0 < $1.0 }) { call.write(value) }
            })
        let results = try await TestState.run(
            "return test.same({a = 1, b = 'x', c = true, d = 0.5})", functions: [fast])
        #expect(results == [1, "x", true, 0.5])
    }

    @Test func `a result with too many values raises`() async throws {
        let fast = LuaHostFunction(
            path: "test.many",
            kind: .fast { call in
                let count = Int(call.integer(0) ?? 0)
                call.writeItems { call in for number in 0..<count { call.write(Int64(number)) } }
            })
        #expect(try await TestState.run("return #test.many(255)", functions: [fast]) == [255])
        #expect(
            await TestState.failure("test.many(256)", functions: [fast])?.description
                == "main.lua:1: test.many: the results do not fit")
    }

    @Test func `more than 16 arguments are refused`() async throws {
        let results = try await TestState.run(
            "local t = {} for i = 1, 16 do t[i] = i end local n = select('#', test.echo(table.unpack(t))) "
                + "t[17] = 17 return n, pcall(test.echo, table.unpack(t))",
            functions: [Self.echo])
        #expect(results == [16, false, "too many values (16 at most)"])
    }

    @Test func `results that do not fit raise`() async throws {
        let functions = [
            LuaHostFunction(
                path: "test.large",
                kind: .fast { call in call.write(String(repeating: "x", count: 10_000)) }),
            LuaHostFunction(
                path: "test.many", kind: .fast { call in for _ in 0..<17 { call.write(1 as Int64) } }),
            LuaHostFunction(
                path: "test.full", kind: .fast { call in call.write(String(repeating: "x", count: 4_096)) }),
        ]
        #expect(
            await TestState.failure("test.large()", functions: functions)?.description
                == "main.lua:1: test.large: the results do not fit")
        #expect(
            await TestState.failure("test.many()", functions: functions)?.description
                == "main.lua:1: test.many: the results do not fit")
        #expect(try await TestState.run("return #test.full()", functions: functions) == [4_096])
    }

    @Test func `a misuse replaces results and ends with its call`() async throws {
        let fast = LuaHostFunction(
            path: "test.odd",
            kind: .fast { call in
                call.write("half")
                if call.integer(0) == 1 { call.misuse(String(repeating: "é", count: 5_000)) }
            })
        let results = try await TestState.run(
            "local ok, text = pcall(test.odd, 1) return ok, #text, test.odd(2)", functions: [fast])
        #expect(results.count == 3 && results[0] == false && results[2] == "half")
        #expect((results[1].integerValue ?? 0) >= 4_096 && (results[1].integerValue ?? 0) < 4_200)
    }

    /// What an attempt does not take goes the other way, with all its checks.
    @Test func `an attempt answers what is as declared and passes the rest on`() async throws {
        let whole = Atomic<Int>(0)
        let twice = LuaHostFunction(
            path: "test.twice", parameterNames: ["value"],
            kind: .attempt(
                { call in
                    guard case .string(let text)? = call.plain(0), call.write(plain: .string(text + text))
                    else { return call.pass() }
                },
                otherwise: { arguments, _ in
                    whole.add(1, ordering: .relaxed)
                    guard let text = arguments[0].stringValue else {
                        throw LuaHostError.misuse("string expected")
                    }
                    return [.string(text + text)]
                }))
        let results = try await TestState.run(
            """
            local long = ('x'):rep(3000)
            local f = test.twice
            return f('ab'), #f(long), f('ü'), {pcall(f, 7)}, {pcall(f)}, {pcall(f, {})}, {pcall(f, '\\xff')}
            """, functions: [twice])
        let refused: PortableValue = [false, "main.lua:3: string expected"]
        #expect(results == ["abab", 6_000, "üü", refused, refused, refused, refused])
        #expect(whole.load(ordering: .relaxed) == 5)
    }

    @Test func `fields of a table that is asked for have any shape`() async throws {
        let index = LuaHostFunction(
            path: "test.config",
            kind: .index { key in
                switch key {
                case "text": return .string(String(repeating: "x", count: 9_000))
                case "list": return [1, [2, "three"]]
                case "wrong": throw LuaHostError.misuse("no such setting")
                default: return .null
                }
            })
        let results = try await TestState.run(
            "return #test.config.text, test.config.list, test.config.none, "
                + "pcall(function() return test.config.wrong end)",
            functions: [index])
        #expect(results == [9_000, [1, [2, "three"]], .null, false, "main.lua:1: no such setting"])
    }
}
