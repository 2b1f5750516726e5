import Glibc
import NodeTestKit
import Portable
import Synchronization
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
        let looks = Atomic(0)
        try await waitUntil("the state is back in the foreground") {
            // Asking all the time would be use enough to stay there.
            guard looks.add(1, ordering: .relaxed).newValue.isMultiple(of: 10) else { return false }
            return try await spinning.call("nice") == [0]
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

    @Test func `the background rests longer and longer while threads wait, and less when none does`() {
        var courtesy = Courtesy(processors: 2)
        var now = ContinuousClock.now
        let slice = Duration.milliseconds(10)
        #expect(courtesy.pause(now: now) == nil)
        for (number, milliseconds) in [50, 100, 100, 100].enumerated() {
            courtesy.begin(now: now)
            now += slice
            // It had to wait, or another did.
            let isOther = number.isMultiple(of: 2)
            courtesy.end(
                Courtesy.Visit(took: slice, waited: isOther ? .zero : slice / 5, ready: isOther ? 3 : 2),
                now: now)
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
            courtesy.end(Courtesy.Visit(took: slice, waited: slice / 20, ready: 2), now: now)
            now += courtesy.pause(now: now) ?? .zero
            rests += 1
        }
        #expect((2...12).contains(rests))
        #expect(courtesy.pause(now: now) == nil)
        #expect(Courtesy(processors: 1).restMax == .milliseconds(100))
        #expect(Courtesy(processors: 8).restMax == .milliseconds(50))
        #expect(Courtesy(processors: 500).restMax == Courtesy.restMin)
    }

    @Test func `what several threads saw at the same time counts once`() {
        var courtesy = Courtesy(processors: 2)
        let now = ContinuousClock.now
        let slice = Duration.milliseconds(10)
        for thread in 0..<4 {
            courtesy.end(
                Courtesy.Visit(took: slice, waited: slice / 2, ready: 5),
                now: now + .milliseconds(10) + .microseconds(thread))
        }
        #expect(courtesy.rest == Courtesy.restMin)
    }

    @Test func `a thread sees how long it waited for a processor and who else is ready`() throws {
        let lookout = Lookout()
        let now = ContinuousClock.now
        #expect(!lookout.isUnderWay && lookout.end(now: now) == nil)
        lookout.begin(now: now)
        #expect(lookout.isUnderWay && lookout.end(now: now + .milliseconds(1)) == nil)
        let seen = try #require(lookout.end(now: now + .milliseconds(20)))
        #expect(seen.took == .milliseconds(20) && seen.waited >= .zero && seen.ready >= 1)
        #expect(!lookout.isUnderWay)
    }
}
