import PluginHost
import Portable
import Synchronization
import Testing

/// Functions that are answered the quick way where their arguments allow it: nobody can tell the difference.
@Suite struct QuickFunctionTests {
    private final class Notes: Sendable {
        private let notes = Mutex<[PortableValue]>([])
        let isIdle = Atomic<Bool>(false)

        var all: [PortableValue] { notes.withLock { $0 } }

        var module: HostModule {
            HostModule(
                "quick", summary: "Test.",
                functions: [
                    HostFunction(
                        "note", summary: "Test.",
                        parameters: [
                            HostParameter("text", .string, ""),
                            HostParameter("fields", .table, "", isOptional: true),
                        ], example: "",
                        body: .quick(
                            { [self] call in
                                let note: PortableValue = [call.value(0), call.value(1)]
                                notes.withLock { $0.append(note) }
                            }, unless: { [self] _ in isIdle.load(ordering: .relaxed) })),
                    HostFunction(
                        "same", summary: "Test.",
                        parameters: [HostParameter("value", .value, ""), HostParameter("more", .value, "")],
                        results: [HostResult("value", .value, "")], example: "",
                        body: .quick { call in
                            let more = call.value(1)
                            if more == "refuse" { throw HostFailure.outcome(code: .refused, message: "no") }
                            call.give(any: more.isNull ? call.value(0) : more)
                        }),
                    HostFunction(
                        "facts", summary: "Test.",
                        parameters: [
                            HostParameter("word", .choice(["short", "long"]), ""),
                            HostParameter("key", .key, "", isOptional: true),
                        ],
                        results: [HostResult("facts", .table, "")], example: "",
                        body: .quick { call in
                            let isLong = call.string(0) == "long"
                            let text = String(repeating: "x", count: isLong ? 5_000 : 5)
                            let key = call.value(1)
                            call.giveFields { facts in
                                facts.set("text", text)
                                facts.set("key", any: key)
                                facts.set("list", any: [1, [2]])
                                facts.set("none", nil)
                                facts.set("count", 3)
                                facts.set("short", !isLong)
                            }
                            if isLong { call.give(text) } else { call.give(false) }
                        }),
                    HostFunction(
                        "open", summary: "Test.", results: [HostResult("thing", .object("Thing"), "")],
                        example: "",
                        body: .making { call in
                            try call.plugin.handles.add(Thing(), as: "Thing", run: call.run)
                        }),
                ],
                classes: [
                    HostClass(
                        "Thing", summary: "Test.",
                        methods: [
                            HostFunction(
                                "name", summary: "Test.", results: [HostResult("name", .string, "")],
                                example: "",
                                body: .quick { call in call.give(try call.object(as: Thing.self).name) })
                        ])
                ])
        }
    }

    private final class Thing: HostObject {
        let name = "thing"
    }

    private func run(_ code: String, _ notes: Notes) async throws -> [PortableValue] {
        let test = try await TestHost(more: [notes.module]) { folder in
            try folder.write(
                "a.x",
                main: """
                    local note, same = perigee.quick.note, perigee.quick.same
                    local function failure(...)
                      local ok, err = pcall(...)
                      return not ok and err:gsub("^main.lua:%d+: ", "")
                    end
                    \(code)
                    """)
        }
        let reason = await test.reason("a.x")
        #expect(reason.isEmpty)
        let said = test.tests.said
        await test.stop()
        return said
    }

    @Test func `flat, deep and absent tables reach the body alike, and once`() async throws {
        let notes = Notes()
        let said = try await run(
            """
            note("none") note("nil", nil) note("empty", {}) note("list", {1, 2.5, "x"})
            note("flat", {a = 1, b = true, ["é"] = "ü", c = -0.5})
            note("deep", {a = {b = {1}}}) note("text", {t = ("x"):rep(5000)})
            local many = {} for i = 1, 300 do many[i] = i end note("many", many)
            perigee.test.say(select("#", note("count", {a = 1})))
            """, notes)
        #expect(said == [0])
        #expect(notes.all.count == 9)
        #expect(
            notes.all.prefix(6) == [
                ["none", .null], ["nil", .null], ["empty", .map([:])], ["list", [1, 2.5, "x"]],
                ["flat", ["a": 1, "b": true, "é": "ü", "c": -0.5]], ["deep", ["a": ["b": [1]]]],
            ])
        #expect(notes.all[6][1]?["t"]?.stringValue?.utf8.count == 5_000)
        #expect(notes.all[7][1]?.listValue?.count == 300)
    }

    @Test(arguments: [false, true]) func `mistakes are told of, also where there is nothing to do`(
        isIdle: Bool
    ) async throws {
        let notes = Notes()
        notes.isIdle.store(isIdle, ordering: .relaxed)
        let said = try await run(
            """
            perigee.test.say({
              failure(note), failure(note, 1), failure(note, "x", 1), failure(note, "\\xff"),
              failure(note, "x", {a = "y", print}), failure(note, "x", {a = {print}}),
              failure(note, "x", setmetatable({}, {})), failure(note, "x", {["\\xff"] = 1}),
              failure(note, "x", {a = 0/0}), failure(note, "x", {[2] = 1}),
            })
            note("good") note("\\u{e9}", {["\\u{e9}"] = 1}) note("deep", {a = {{}}})
            perigee.test.say(select("#", note("good", {a = 1})))
            """, notes)
        let problems = said.first?.listValue?.map { $0.stringValue ?? "none" } ?? []
        #expect(
            problems == [
                "bad argument #1 'text' to 'perigee.quick.note' (string expected, got no value)",
                "bad argument #1 'text' to 'perigee.quick.note' (string expected, got number)",
                "bad argument #2 'fields' to 'perigee.quick.note' (table expected, got number)",
                "bad argument #1 'text' to 'perigee.quick.note' "
                    + "(text expected, got a string that is not UTF-8)",
                "fields: a table of both list items and named fields cannot be stored",
                "fields.a[1]: a function cannot be stored",
                "fields: a table with a metatable cannot be stored",
                "fields: a table with a key that is not UTF-8 cannot be stored",
                "fields.a: a number that is not finite cannot be stored",
                "fields: a sparse list cannot be stored",
            ])
        #expect(said.last == 0)
        #expect(notes.all.count == (isIdle ? 0 : 4))
    }

    @Test func `results of any kind come back, and failures`() async throws {
        let said = try await run(
            """
            local long = ("x"):rep(9000)
            perigee.test.say({same(1), same(nil, 2.5), same("é", "ü"), same(long) == long,
              same({1, {2}})[2][1],
              same(nil, {a = true}).a, select("#", same()), select("#", same(1, 2)),
              select(2, same(1, "refuse")).code,
              failure(same, print)})
            """, Notes())
        #expect(
            said == [
                [
                    1, 2.5, "ü", true, 2, true, 1, 1, "refused",
                    "value: a function cannot be stored",
                ]
            ], "got: \(said)")
    }

    @Test func `tables made of fields come back, and words and keys are checked`() async throws {
        let said = try await run(
            """
            local facts = perigee.quick.facts
            local one, two = facts("short", 7)
            local long, text = facts("long", "k")
            perigee.test.say({
              one, two, #long.text, long.key, long.list[2][1], long.none == nil, text == long.text,
              failure(facts, "medium"), failure(facts), failure(facts, "short", {}),
              failure(facts, "short", 1.5), facts("short", 2.0).key, facts("short", nil, {{}}).text,
              failure(facts, "short", 1, print),
            })
            """, Notes())
        #expect(
            said == [
                [
                    ["text": "xxxxx", "key": 7, "list": [1, [2]], "count": 3, "short": true], false, 5_000,
                    "k", 2, true, true,
                    .string(
                        "bad argument #1 'word' to 'perigee.quick.facts' "
                            + "(invalid option 'medium'; known are short, long)"),
                    "bad argument #1 'word' to 'perigee.quick.facts' (string expected, got no value)",
                    "bad argument #2 'key' to 'perigee.quick.facts' (string or integer expected, got table)",
                    "bad argument #2 'key' to 'perigee.quick.facts' (number has no integer representation)",
                    2.0, "xxxxx", "value: a function cannot be stored",
                ]
            ], "got: \(said)")
    }

    @Test func `methods are answered while their object lasts`() async throws {
        let said = try await run(
            """
            local kept = perigee.quick.open()
            local open = kept.name
            perigee.test.say({kept:name(), kept:name({{}}), failure(open, {}), failure(open)})
            perigee.test.on_start(function()
              perigee.test.say({failure(open, kept), failure(open, kept, {{}})})
            end)
            """, Notes())
        let over = "perigee.Thing:name: the object belongs to a run that is over"
        #expect(said.first?[0] == "thing" && said.first?[1] == "thing")
        #expect(said.last?[0]?.stringValue == over && said.last?[1]?.stringValue == over, "got: \(said)")
    }
}
