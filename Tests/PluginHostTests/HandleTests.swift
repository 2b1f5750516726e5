import ClusterServices
import Foundation
import PluginHost
import Portable
import Synchronization
import Testing

/// Objects in a plugin's hands, functions that the host calls later, and what a plugin offers to services.
@Suite struct HandleTests {
    /// A module with objects, whose ends it notes, and a service that has runners by name.
    private final class Service: Sendable {
        private struct State {
            var ended: [String] = []
            var runners: [String: (number: Int, run: @Sendable (HostCall?) async throws -> [PortableValue])] =
                [:]
            var number = 0
            var notes: [String] = []
        }
        private let state = Mutex(State())

        var ended: [String] { state.withLock { $0.ended } }
        var notes: [String] { state.withLock { $0.notes } }
        var runners: [String] { state.withLock { $0.runners.keys.sorted() } }

        func end(_ name: String) { state.withLock { $0.ended.append(name) } }
        func note(_ text: String) { state.withLock { $0.notes.append(text) } }

        func define(
            _ name: String, _ run: @escaping @Sendable (HostCall?) async throws -> [PortableValue]
        ) -> Int {
            state.withLock { state in
                state.number += 1
                state.runners[name] = (state.number, run)
                state.notes.append("define \(name)")
                return state.number
            }
        }

        func undefine(_ name: String, _ number: Int) {
            state.withLock { state in
                guard state.runners[name]?.number == number else { return }
                state.runners[name] = nil
                state.notes.append("undefine \(name)")
            }
        }

        func run(_ name: String) async throws -> [PortableValue] {
            guard let runner = state.withLock({ $0.runners[name]?.run }) else { return ["no runner"] }
            return try await runner(nil)
        }

        final class Item: HostObject {
            let name: String
            let service: Service
            init(_ name: String, _ service: Service) {
                self.name = name
                self.service = service
            }
            func ended() { service.end(name) }
        }

        var module: HostModule {
            HostModule(
                "things", summary: "Things.",
                functions: [
                    HostFunction(
                        "lasting", summary: "Test.", parameters: [HostParameter("name", .string, "")],
                        example: "",
                        body: .making { call in
                            try call.plugin.handles.add(Item(call.string(0), self), as: "Thing")
                        }),
                    HostFunction(
                        "of_run", summary: "Test.", parameters: [HostParameter("name", .string, "")],
                        example: "",
                        body: .obtaining { call in
                            if call.string(0) == "none" {
                                throw HostFailure.outcome(code: .timeout, message: "there is none")
                            }
                            return try call.plugin.handles.add(
                                Item(call.string(0), self), as: "Owned", fields: ["token": 7], run: call.run)
                        }),
                    HostFunction(
                        "define", summary: "Test.",
                        parameters: [
                            HostParameter("name", .string, ""),
                            HostParameter(
                                "options",
                                .options("Defining", [HostField("process", .function("fun()"), "")]), ""),
                        ],
                        phase: .registration, example: "",
                        body: .immediate { call in
                            guard let process = call.callback(1, "process") else { return [] }
                            let (plugin, name) = (call.plugin, call.string(0))
                            try plugin.offer("things.define \(name)") {
                                if name == "broken" { throw HostFailure.misuse("it cannot be") }
                                let number = self.define(name) { _ in
                                    let handle = try plugin.handle(
                                        Item("job", self), as: "Owned", fields: ["token": 9])
                                    return try await plugin.call(
                                        process, handle: handle, ["argument"], kind: "thing",
                                        wait: .seconds(60))
                                }
                                return { self.undefine(name, number) }
                            }
                            return []
                        }),
                ],
                classes: [
                    HostClass("Thing", summary: "A thing.", methods: [name, with]),
                    HostClass(
                        "Owned", summary: "A thing of a run.", fields: [HostField("token", .integer, "")],
                        methods: [name, release]),
                ],
                release: { self.note("release \($0)") })
        }

        private var name: HostFunction {
            HostFunction(
                "name", summary: "Test.", example: "",
                body: .immediate { call in [.string(try call.object(as: Item.self).name)] })
        }

        private var release: HostFunction {
            HostFunction(
                "release", summary: "Test.", example: "",
                body: .immediate { call in
                    guard try call.findObject(as: Item.self) != nil else { return [false] }
                    call.plugin.handles.remove(call.receiver)
                    return [true]
                })
        }

        private var with: HostFunction {
            HostFunction(
                "with", summary: "Test.",
                parameters: [
                    HostParameter("value", .value, ""), HostParameter("fn", .function("fun()"), ""),
                ], example: "",
                body: .bracket(
                    enter: { call in
                        let item = Item("bracket", self)
                        return HostBracket(
                            state: item,
                            handle: try call.plugin.handles.add(
                                item, as: "Owned", fields: ["token": 8], run: call.run),
                            arguments: [call.value(0)])
                    }, leave: { _, succeeded in self.note("left \(succeeded)") }))
        }
    }

    private func host(_ service: Service, _ main: String) async throws -> TestHost {
        try await TestHost(more: [service.module]) { folder in
            try folder.write("a.x", main: main, manifest: #""permissions": {"events": ["x:run"]}"#)
        }
    }

    private func publish(_ test: TestHost) async throws {
        if let failure = await test.publish("x:run").failures.first { throw failure.error }
    }

    @Test func `an object belongs to its run and ends with it`() async throws {
        let service = Service()
        let test = try await host(
            service,
            """
            local kept
            local lasting = perigee.things.lasting("lasting")
            perigee.test.on("x:run", function()
              if kept then
                perigee.test.say({ select(2, pcall(kept.name, kept)), kept.token, lasting:name() })
                return
              end
              kept = perigee.things.of_run("mine")
              local early = perigee.things.of_run("early")
              local none, err = perigee.things.of_run("none")
              perigee.test.say({ kept:name(), kept.token, none == nil, err.code })
              perigee.test.say({ early:release(), early:release() })
              local inner
              perigee.test.say({ lasting:with(5, function(guard, value)
                inner = guard
                return guard.token, value, guard:name()
              end) })
              perigee.test.say(not pcall(inner.name, inner))
            end)
            """)
        try await publish(test)
        #expect(
            test.tests.said == [["mine", 7, true, "timeout"], [true, false], [8, 5, "bracket"], true])
        #expect(service.ended == ["early", "bracket", "mine"])
        try await publish(test)
        #expect(
            test.tests.said.last == [
                "main.lua:5: perigee.Owned:name: the object belongs to a run that is over", 7, "lasting",
            ])
        await test.stop()
        #expect(service.ended == ["early", "bracket", "mine", "lasting"])
        #expect(service.notes == ["left true", "release a.x"])
    }

    @Test func `the host calls a function that was handed over in an options table`() async throws {
        let service = Service()
        let test = try await host(
            service,
            """
            perigee.things.define("work", { process = function(job, text)
              return job:name(), job.token, text
            end })
            perigee.things.define("fails", { process = function() error("no luck") end })
            """)
        #expect(try await service.run("work") == ["job", 9, "argument"])
        #expect(service.ended == ["job"])
        await #expect(
            throws: PluginCallError.failed(outcome: "error", text: "main.lua:4: no luck")
        ) { try await service.run("fails") }
        #expect(service.ended == ["job", "job"])
        let texts = await test.host.detail("a.x")?.registrations ?? []
        #expect(texts == ["things.define work", "things.define fails"])
        await test.stop()
        #expect(service.runners.isEmpty)
    }

    @Test func `what a plugin offers goes from state to state without a gap and ends with the plugin`()
        async throws
    {
        let service = Service()
        let test = try await host(
            service, #"perigee.things.define("work", { process = function() return 1 end })"#)
        #expect(service.notes == ["define work"])
        try test.installed.write(
            "a.x", main: #"perigee.things.define("work", { process = function() return 2 end })"#)
        try await test.host.reload("a.x")
        #expect(service.notes == ["define work", "define work"])
        #expect(try await service.run("work") == [2])
        try test.installed.write(
            "a.x",
            main: """
                perigee.things.define("work", { process = function() return 3 end })
                perigee.things.define("broken", { process = function() end })
                """)
        await #expect(throws: (any Error).self) { try await test.host.reload("a.x") }
        #expect(try await service.run("work") == [2])
        try await test.host.disable("a.x")
        #expect(service.runners.isEmpty)
        #expect(service.notes.suffix(2) == ["undefine work", "release a.x"])
        #expect(try await service.run("work") == ["no runner"])
        await test.stop()
    }

    @Test func `a plugin whose offer cannot begin does not start`() async throws {
        let service = Service()
        let test = try await host(
            service,
            """
            perigee.things.define("first", { process = function() end })
            perigee.things.define("broken", { process = function() end })
            """)
        #expect(await test.reason("a.x") == "things.define broken: it cannot be")
        #expect(service.runners.isEmpty)
        await test.stop()
    }

    @Test func `a function is taken where an option takes one and nowhere else`() async throws {
        let service = Service()
        for (code, text) in [
            (#"perigee.things.define("x", { process = 1 })"#, "process: function expected, got number"),
            (#"perigee.things.define("x", {})"#, "process: function expected, got nil"),
            (#"perigee.things.define("x", { process = print, more = print })"#, "unknown option 'more'"),
            (#"perigee.things.define(print, { process = print })"#, "string expected, got function"),
        ] {
            let test = try await host(service, code)
            #expect(await test.reason("a.x").contains(text), "\(code)")
            await test.stop()
        }
    }
}
