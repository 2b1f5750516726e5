import LuaRuntime
import Portable
import Synchronization
import Testing

/// Objects of the host's in Lua code's hands, and functions that have a Lua function make their results.
@Suite struct ObjectTests {
    private static let classes = [
        LuaClass(name: "test.Counter"), LuaClass(name: "test.Guard", hasFields: true),
    ]

    /// A host with counters and guards.
    private final class Host: Sendable {
        private struct State {
            var counts: [Int64: Int64] = [:]
            var last: Int64 = 0
            var ended: [UInt64] = []
            var left: [[PortableValue]?] = []
            var stored: [String: [UInt8]] = [:]
        }
        private let state = Mutex(State())
        let loader = Mutex<LuaFunctionReference?>(nil)

        var left: [[PortableValue]?] { state.withLock { $0.left } }
        var ended: [UInt64] { state.withLock { $0.ended } }

        func end(_ run: UInt64) { state.withLock { $0.ended.append(run) } }

        func make(_ className: String, fields: [String: PortableValue] = [:]) -> LuaObject {
            state.withLock { state in
                state.last += 1
                return LuaObject(className: className, id: state.last, fields: fields)
            }
        }

        func add(_ id: Int64, _ step: Int64) -> Int64 {
            state.withLock { state in
                state.counts[id, default: 0] += step
                return state.counts[id] ?? 0
            }
        }

        func store(_ key: String, _ value: PortableValue) {
            state.withLock { $0.stored[key] = try? MessagePack.encode(value) }
        }

        var functions: [LuaHostFunction] {
            [
                LuaHostFunction(path: "test.counter", kind: .making { _, _ in self.make("test.Counter") }),
                LuaHostFunction(
                    path: "test.guard",
                    kind: .obtaining { arguments, _ in
                        await Task.yield()
                        guard let token = arguments[0].integerValue else {
                            throw LuaHostError.outcome("timeout", "somebody else has it")
                        }
                        return self.make("test.Guard", fields: ["token": .integer(token), "add": 1])
                    }),
                LuaHostFunction(
                    path: "test.Counter:add", parameterNames: ["step"],
                    kind: .immediate { arguments, _ in
                        [.integer(self.add(arguments.receiver, arguments[0].integerValue ?? 1))]
                    }),
                LuaHostFunction(
                    path: "test.Counter:fast",
                    kind: .fast { call in call.write(self.add(call.receiver, call.integer(0) ?? 1)) }),
                LuaHostFunction(
                    path: "test.Counter:later",
                    kind: .waiting { arguments, _ in
                        await Task.yield()
                        return [.integer(self.add(arguments.receiver, arguments[0].integerValue ?? 1))]
                    }),
                LuaHostFunction(
                    path: "test.Counter:each",
                    kind: .pages { arguments, cursor, _ in
                        let at = cursor?.integerValue ?? 0
                        return LuaPage(
                            items: [.integer(arguments.receiver), .integer(at)],
                            next: at < 2 ? .integer(at + 1) : nil, itemsAreTuples: false)
                    }),
                LuaHostFunction(
                    path: "test.Counter:with",
                    kind: .bracket(
                        enter: { arguments, _ in
                            LuaBracket(
                                state: arguments.receiver,
                                object: self.make("test.Guard", fields: ["token": 7]),
                                arguments: arguments.values)
                        }, leave: { _, _, _ in })),
                LuaHostFunction(
                    path: "test.Guard:add",
                    kind: .immediate { arguments, _ in [.integer(arguments.receiver)] }
                ),
                LuaHostFunction(
                    path: "test.loader", acceptsFunctions: true,
                    kind: .immediate { arguments, _ in
                        self.loader.withLock { $0 = arguments.function(0) }
                        return []
                    }),
                LuaHostFunction(
                    path: "test.Counter:get", parameterNames: ["key"], kind: .loading(loading)),
            ]
        }

        private var loading: LuaLoading {
            LuaLoading(
                attempt: { call in
                    let bytes = self.state.withLock { $0.stored[call.text(0) ?? ""] }
                    guard let bytes else { return call.pass() }
                    bytes.withUnsafeBytes { call.writeEncoded($0) }
                },
                enter: { arguments, _ in
                    let key = arguments[0].stringValue ?? ""
                    if key == "answered" { return .answered([.null, 2]) }
                    if key == "refused" { throw LuaHostError.outcome("quota", "no") }
                    return .run(
                        LuaBracket(state: key, arguments: [.string(key)]),
                        function: key == "registered" ? self.loader.withLock { $0 } : nil)
                },
                leave: { key, results, _ in
                    self.state.withLock { $0.left.append(results) }
                    if let key = key as? String, let value = results?.first { self.store(key, value) }
                    return results ?? []
                })
        }

        func run(_ body: String) async throws -> [PortableValue] {
            let test = try TestState(
                "test.on('f', function() \(body)\nend)", functions: functions, classes: ObjectTests.classes,
                runEnded: { self.end($0) })
            do {
                try await test.load()
                let results = try await test.call()
                await test.state.close()
                return results
            } catch {
                await test.state.close()
                throw error
            }
        }

        func failure(_ body: String) async -> String {
            do {
                _ = try await run(body)
                return "no error"
            } catch {
                return "\(error)"
            }
        }
    }

    @Test func `methods of every kind know their object`() async throws {
        let results = try await Host().run(
            """
            local a, b = test.counter(), test.counter()
            a:add(5) b:add(7)
            local seen = {}
            for number in b:each() do seen[#seen + 1] = number end
            return a:fast(1), b:later(1), a:add(), b:fast(), table.concat(seen, ' ')
            """)
        #expect(results == [6, 8, 7, 9, "2 0 2 1 2 2"])
    }

    @Test func `fields are read beside methods, which go before them`() async throws {
        let results = try await Host().run(
            """
            local g = test.guard(42)
            local nothing, err = test.guard()
            return g.token, g:add(), g.none, type(g), nothing, err.code, (tostring(g):gsub(':.*', ''))
            """)
        #expect(results == [42, 1, .null, "userdata", .null, "timeout", "test.Guard"])
    }

    @Test func `a bracket's function is given an object`() async throws {
        let results = try await Host().run(
            """
            local c = test.counter()
            return c:with('x', function(guard, text) return guard.token, text, guard:add() end)
            """)
        #expect(results == [7, "x", 2])
    }

    @Test func `a call of the host's can begin with an object`() async throws {
        let host = Host()
        let test = try TestState(
            "test.on('f', function(g, text) return g.token, g:add(), text end)", functions: host.functions,
            classes: Self.classes)
        try await test.load()
        let object = host.make("test.Guard", fields: ["token": 9])
        let results = try await test.state.call(test.handed.function("f"), object: object, ["t"])
        #expect(results == [9, 1, "t"])
        await test.state.close()
    }

    @Test(arguments: [
        ("test.counter().add()", "'test.Counter:add' is called on a test.Counter: object:add(...)"),
        ("test.counter().fast({})", "'test.Counter:fast' is called on a test.Counter"),
        ("test.counter().get('x')", "'test.Counter:get' is called on a test.Counter"),
        ("test.counter().later(test.guard(1))", "'test.Counter:later' is called on a test.Counter"),
        ("test.counter().with(1, print)", "'test.Counter:with' is called on a test.Counter"),
        ("test.counter().each(1)", "'test.Counter:each' is called on a test.Counter"),
        ("test.counter():add(test.counter())", "step: an object of the host cannot be stored"),
        ("test.counter():fast(test.counter())", "only plain data can be passed"),
        ("local c = test.counter() c.x = 1", "an object of the host cannot be changed"),
        ("return test.counter()", "result: an object of the host cannot be stored"),
        ("setmetatable(test.counter(), {})", "table expected, got test.Counter"),
    ])
    func `what is no use of an object is refused`(_ body: String, _ text: String) async throws {
        let message = await Host().failure(body)
        #expect(message.contains(text), "\(message)")
    }

    @Test func `an object's metatable cannot be reached`() async throws {
        let results = try await Host().run("return getmetatable(test.counter())")
        #expect(results == [false])
    }

    @Test func `results come from the host, from the function, or from one handed over before`() async throws
    {
        let host = Host()
        host.store("there", ["a": [1, 2], "long": .string(String(repeating: "x", count: 10_000))])
        let results = try await host.run(
            """
            local c = test.counter()
            test.loader(function(key) return key .. '!' end)
            local there = c:get('there', error)
            local nothing, two = c:get('answered')
            local made, more = c:get('made', function(key) return { key = key }, 3 end)
            return there.a[2], #there.long, nothing, two, made.key, more, c:get('made').key,
              c:get('registered'), select(2, c:get('refused')).code
            """)
        #expect(results == [2, 10_000, .null, 2, "made", 3, "made", "registered!", "quota"])
        #expect(host.left == [[["key": "made"], 3], ["registered!"]])
    }

    @Test func `the host is told when the function fails, and the error goes on`() async throws {
        let host = Host()
        let results = try await host.run(
            """
            local c = test.counter()
            local ok, text = pcall(c.get, c, 'k', function() error('no luck', 0) end)
            local fine, what = pcall(c.get, c, 'k', function() return { f = print } end)
            return ok, text, fine, what, pcall(c.get, c, 'k')
            """)
        #expect(Array(results.prefix(3)) == [false, "no luck", false])
        #expect(results[3].stringValue?.contains("result.f: a function cannot be stored") == true)
        #expect(results[4] == false)
        #expect(host.left.prefix(2) == [nil, nil])
    }

    @Test func `a run that ends while its function runs leaves, and its end is told`() async throws {
        let host = Host()
        let message = await host.failure(
            "local c = test.counter() c:get('k', function() while true do end end)")
        #expect(message.contains("CPU"), "\(message)")
        #expect(host.left == [nil])
        #expect(host.ended.count == 2)
    }

    @Test func `a function may wait and load again`() async throws {
        let results = try await Host().run(
            """
            local c = test.counter()
            local co = coroutine.wrap(function()
              return c:get('a', function()
                coroutine.yield(1)
                return c:get('b', function() return c:later(4) end) + 1
              end)
            end)
            return co(), co(), c:get('a'), c:get('b')
            """)
        #expect(results == [1, 5, 5, 4])
    }
}
