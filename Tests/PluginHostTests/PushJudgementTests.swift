import PluginHost
import Portable
import Testing

@Suite struct PushJudgementTests {
    private static let permission = #""permissions": {"before_push": true}"#

    private func host(
        _ mains: [String], extra: String = "", wait: Duration = .seconds(60)
    ) async throws -> TestHost {
        var ceilings = PluginCeilings()
        ceilings.pushWait = wait
        ceilings.handlerCPU = .milliseconds(200)
        return try await TestHost(ceilings: ceilings) { folder in
            for (index, main) in mains.enumerated() {
                try folder.write(
                    "a.p\(index)", main: "perigee.test.before_push(function(push)\n\(main)\nend)",
                    manifest: Self.permission + extra)
            }
        }
    }

    @Test(
        arguments: [
            ("return true", nil), ("", nil), ("return nil", nil), ("return 1, 'x'", nil), ("return {}", nil),
            ("return false, 'no'", "no"), ("return nil, 'no'", "no"), ("return nil, {message = 'no'}", "no"),
            ("return false", "a.p0 refuses this push."), ("return false, 'a\\27[31m\\nb'", "a [31m\nb"),
            ("return false, push.name .. '!'", "hello!"),
        ] as [(String, String?)])
    func `a handler accepts or refuses with a text`(main: String, text: String?) async throws {
        let test = try await host([main])
        let judgement = await test.host.beforePush(["name": "hello"])
        #expect(judgement == (text.map { .refuse(pluginID: "a.p0", text: $0) } ?? .accept))
        await test.stop()
    }

    @Test func `the first refusal ends it in load order`() async throws {
        let test = try await host([
            "perigee.test.say(0)", "perigee.test.say(1) return false, 'one'", "perigee.test.say(2)",
        ])
        #expect(await test.host.judgesPushes)
        #expect(await test.host.beforePush([:]) == .refuse(pluginID: "a.p1", text: "one"))
        #expect(test.tests.said == [0, 1])
        #expect(await test.host.detail("a.p1")?.statistics.refusals == 1)
        await test.stop()
    }

    @Test(
        arguments: [
            ("error('secret')", "it failed with an error", .seconds(60)),
            ("while true do end", "it used up its CPU time", .seconds(60)),
            ("while true do pcall(error) end", "it used up its CPU time", .seconds(60)),
            ("perigee.test.wait('never')", "it did not answer within 50ms", .milliseconds(50)),
        ] as [(String, String, Duration)])
    func `a handler that fails refuses with a text that names the plugin`(
        main: String, clause: String, wait: Duration
    ) async throws {
        let test = try await host([main], wait: wait)
        guard case .refuse("a.p0", let text) = await test.host.beforePush([:]) else {
            Issue.record("accepted")
            return
        }
        #expect(
            text.contains(clause) && text.contains("\"a.p0\"") && !text.contains("secret"), "got: \(text)")
        await test.stop()
    }

    @Test func `a manifest may let pushes through when its handler fails`() async throws {
        let test = try await host(["error('no')"], extra: #", "before_push_failure": "accept""#)
        #expect(await test.host.beforePush([:]) == .accept)
        await test.stop()
    }

    @Test func `a push is judged while an event of the same plugin is handled`() async throws {
        let test = try await TestHost { folder in
            try folder.write(
                "a.x",
                main: """
                    perigee.test.on("x:y", function() perigee.test.say("event") perigee.test.wait("gate") end)
                    perigee.test.before_push(function() return false, "judged" end)
                    """, manifest: Self.permission)
        }
        async let delivery = test.publish("x:y")
        await test.tests.waitUntilSaid(1)
        #expect(await test.host.beforePush([:]) == .refuse(pluginID: "a.x", text: "judged"))
        test.tests.open("gate")
        _ = await delivery
        await test.stop()
    }

    @Test func `while a push waits only who judges it is taken out of the background`() async throws {
        var ceilings = PluginCeilings()
        ceilings.handlerCPU = .seconds(10)
        let test = try await TestHost(ceilings: ceilings) { folder in
            try folder.write(
                "a.judge",
                main: """
                    perigee.test.before_push(function()
                      perigee.test.say("judging")
                      perigee.test.wait("gate")
                      local worst = 0
                      for _ = 1, 100 do
                        for _ = 1, 3e5 do end
                        worst = math.max(worst, perigee.test.nice())
                      end
                      return false, ("at most %d"):format(worst)
                    end)
                    """, manifest: Self.permission)
            try folder.write(
                "a.busy",
                main: """
                    perigee.test.on("x:y", function()
                      local nice
                      repeat nice = perigee.test.nice() until nice > 0
                      perigee.test.say(nice)
                    end)
                    """)
        }
        async let judgement = test.host.beforePush([:])
        await test.tests.waitUntilSaid(1)
        // While somebody else's push is judged, it uses much and makes way; or its CPU time ends, unsaid.
        _ = await test.publish("x:y")
        #expect(test.tests.said == ["judging", 15])
        test.tests.open("gate")
        // As much is used for the answer, in the foreground.
        #expect(await judgement == .refuse(pluginID: "a.judge", text: "at most 0"))
        await test.stop()
    }

    @Test func `all handlers of a plugin have one time limit together`() async throws {
        for (failure, isAccepted) in [("refuse", false), ("accept", true)] {
            var ceilings = PluginCeilings()
            ceilings.pushWait = .milliseconds(300)
            let test = try await TestHost(ceilings: ceilings) { folder in
                try folder.write(
                    "a.slow",
                    main: """
                        for n = 1, 900 do
                          perigee.test.before_push(function()
                            perigee.test.say(n)
                            perigee.test.wait("never")
                          end)
                        end
                        """, manifest: Self.permission + #", "before_push_failure": "\#(failure)""#)
            }
            let judgement = await test.host.beforePush([:])
            if case .refuse(_, let text) = judgement {
                #expect(text.contains("it did not answer within 300ms"))
            }
            #expect((judgement == .accept) == isAccepted)
            #expect(test.tests.said == [1], "the others are not asked when the time is over")
            await test.stop()
        }
    }

    @Test func `a disabled plugin judges nothing`() async throws {
        let test = try await host(["return false, 'no'"])
        try await test.host.disable("a.p0")
        #expect(await !test.host.judgesPushes)
        #expect(await test.host.beforePush([:]) == .accept)
        await test.stop()
    }
}
