import Glibc
import Portable
import Testing

@testable import LuaRuntime

/// States that use much CPU time make way for others.
@Suite struct BackgroundTests {
    /// Gives the priority of the thread that Lua runs on.
    private static let nice = LuaHostFunction(
        path: "test.nice",
        kind: .immediate { _, _ in
            [.integer(Int64(getpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0)))]
        })

    @Test func `a state that spins goes on with low priority and comes back, a quiet one stays`() async throws
    {
        let pool = LuaThreadPool(threads: 1, background: 1, name: "nice")
        let body = """
            test.on('spin', function() local n repeat n = test.nice() until n > 0 return n end)
            test.on('nice', function() return test.nice() end)
            """
        let limits = LuaLimits(handlerCPU: .seconds(60))
        let spinning = try TestState(body, limits: limits, functions: [Self.nice], pool: pool)
        let quiet = try TestState(body, functions: [Self.nice], pool: pool)
        try await spinning.load()
        try await quiet.load()
        async let spun = spinning.call("spin")
        for _ in 0..<20 { #expect(try await quiet.call("nice") == [0]) }
        #expect(try await spun == [15])
        #expect(try await quiet.call("nice") == [0])
        let deadline = ContinuousClock.now + .seconds(120)
        while try await spinning.call("nice") != [0] {
            try #require(ContinuousClock.now < deadline, "the state stays in the background")
            // Asking all the time would be use enough to stay there.
            try await Task.sleep(for: .milliseconds(50))
        }
        await spinning.state.close()
        await quiet.state.close()
        pool.stop()
    }

    @Test func `a run that cannot give way goes on with low priority on a thread of its own`() async throws {
        let pool = LuaThreadPool(threads: 1, background: 1, name: "held")
        let body = """
            test.on('spin', function()
              local n
              table.sort({1, 2}, function() repeat n = test.nice() until n > 0 return false end)
              return n
            end)
            test.on('nice', function() return test.nice() end)
            """
        let held = try TestState(
            body, limits: LuaLimits(handlerCPU: .seconds(60)), functions: [Self.nice], pool: pool)
        let quiet = try TestState(body, functions: [Self.nice], pool: pool)
        try await held.load()
        try await quiet.load()
        #expect(try await held.call("spin") == [15])
        #expect(try await quiet.call("nice") == [0])
        await held.state.close()
        await quiet.state.close()
        pool.stop()
    }

    @Test func `the background rests longer and longer while it has to wait, and less when it does not`() {
        var courtesy = Courtesy()
        var now = ContinuousClock.now
        let slice = Duration.milliseconds(10)
        #expect(courtesy.pause(now: now) == nil)
        for milliseconds in [10, 20, 40, 80, 100, 100] {
            courtesy.begin(now: now)
            now += slice
            courtesy.end(took: slice, waited: .milliseconds(2), now: now)
            #expect(courtesy.pause(now: now) == .milliseconds(milliseconds))
            now += .milliseconds(milliseconds)
            #expect(courtesy.pause(now: now) == nil)
        }
        var rests = 0
        while courtesy.rest > .zero {
            courtesy.begin(now: now)
            // One at a time looks whether it has become better.
            #expect(courtesy.pause(now: now) == courtesy.rest)
            now += slice
            courtesy.end(took: slice, waited: .microseconds(900), now: now)
            now += courtesy.pause(now: now) ?? .zero
            rests += 1
        }
        #expect((3...12).contains(rests))
        #expect(courtesy.pause(now: now) == nil)
    }

    @Test func `what several threads saw at the same time counts once`() {
        var courtesy = Courtesy()
        let now = ContinuousClock.now
        let slice = Duration.milliseconds(10)
        for thread in 0..<4 {
            courtesy.end(
                took: slice, waited: slice / 2, now: now + .milliseconds(10) + .microseconds(thread))
        }
        #expect(courtesy.rest == Courtesy.restMin)
    }

    @Test func `a thread sees how long it waited for a processor`() throws {
        let visit = Visit()
        let now = ContinuousClock.now
        #expect(!visit.isUnderWay && visit.end(now: now) == nil)
        visit.begin(now: now)
        #expect(visit.isUnderWay && visit.end(now: now + .milliseconds(1)) == nil)
        let seen = try #require(visit.end(now: now + .milliseconds(20)))
        #expect(seen.took == .milliseconds(20) && seen.waited >= .zero)
        #expect(!visit.isUnderWay)
    }
}
