import Portable
import Testing

@testable import LuaRuntime

/// Whose turn it is.
@Suite struct TurnTests {
    private static let pool = LuaThreadPool(threads: 1, name: "turns")
    private static let slice: Int64 = 10_000_000

    private static func executors(_ count: Int) -> [LuaExecutor] {
        (0..<count).map { _ in LuaExecutor(pool: pool) }
    }

    @Test func `states that used nothing yet have their turns as they came`() {
        let queue = TurnQueue()
        let all = Self.executors(4)
        for executor in all { _ = queue.append(executor) }
        for executor in all { #expect(queue.next() === executor) }
    }

    @Test func `the state that used the least is next, however many jobs the others have`() {
        let queue = TurnQueue()
        let all = Self.executors(3)
        let (spinning, flooding, quiet) = (all[0], all[1], all[2])
        #expect(queue.append(spinning) && queue.next() === spinning)
        _ = queue.append(flooding)
        #expect(queue.next(after: spinning, used: Self.slice, hasMore: true) === flooding)
        // A flood of short jobs goes on until it has used what the spinning one has.
        #expect(queue.next(after: flooding, used: Self.slice / 2, hasMore: true) === flooding)
        #expect(queue.next(after: flooding, used: Self.slice, hasMore: true) === spinning)
        for _ in 0..<100 {
            _ = queue.append(quiet)
            #expect(queue.next(after: spinning, used: Self.slice, hasMore: true) === quiet)
            let next = queue.next(after: quiet, used: 1_000, hasMore: false)
            #expect(next === flooding)
            #expect(queue.next(after: flooding, used: Self.slice, hasMore: true) === spinning)
        }
    }

    @Test func `a rest earns nothing, and a turn without company costs nothing later`() {
        let queue = TurnQueue()
        let all = Self.executors(2)
        let (early, late) = (all[0], all[1])
        #expect(queue.append(early) && queue.next() === early)
        for _ in 0..<1_000 { #expect(queue.next(after: early, used: Self.slice, hasMore: true) === early) }
        _ = queue.append(late)
        #expect(queue.next(after: early, used: Self.slice, hasMore: true) === late)
        // `late` has no thousand slices to catch up with.
        #expect(queue.next(after: late, used: 2 * Self.slice, hasMore: true) === early)
        #expect(queue.next(after: early, used: 2 * Self.slice, hasMore: true) === late)
    }

    @Test func `a stopped queue takes nothing new and gives what it has`() {
        let queue = TurnQueue()
        let all = Self.executors(2)
        #expect(queue.append(all[0]))
        queue.stop()
        #expect(!queue.append(all[1]))
        #expect(queue.next() === all[0])
        #expect(queue.next(after: all[0], used: 1, hasMore: true) === all[0])
        #expect(queue.next(after: all[0], used: 1, hasMore: false) == nil)
    }

    @Test func `a state that uses much has its turns in the background until it has rested`() {
        let queue = TurnQueue(hasBackground: true)
        let all = Self.executors(2)
        let (busy, quiet) = (all[0], all[1])
        #expect(queue.append(busy) && queue.next() === busy)
        // The turn after these is one too many.
        for _ in 0..<CPULoad.burst / Self.slice {
            #expect(queue.next(after: busy, used: Self.slice, hasMore: true) === busy)
        }
        queue.finish(busy, used: Self.slice, hasMore: true)
        #expect(queue.append(quiet) && queue.next() === quiet)
        #expect(queue.next(.background) === busy)
        // Work that somebody waits for is not put behind, nor left there.
        queue.finish(busy, used: Self.slice, hasMore: true)
        busy.beginUrgentWork()
        queue.promote(busy)
        #expect(queue.next() === busy)
        queue.finish(busy, used: Self.slice, hasMore: true)
        #expect(queue.next() === busy)
        busy.endUrgentWork()
        queue.finish(quiet, used: Self.slice, hasMore: false)
        queue.finish(busy, used: Self.slice, hasMore: false)
        queue.stop()
        #expect(queue.next() == nil && queue.next(.background) == nil)
        var load = CPULoad()
        let now = ContinuousClock.now
        load.add(CPULoad.burst + Self.slice, now: now)
        let forgiven = Duration.nanoseconds(Self.slice * CPULoad.forgiven)
        #expect(load.isHigh(now: now) && load.isHigh(now: now + forgiven * 0.98))
        #expect(!load.isHigh(now: now + forgiven * 1.02) && !load.isHigh(now: now + .seconds(1_000_000)))
    }

    /// More states than threads spin where they cannot give way; the flood comes as fast as it is served.
    @Test(arguments: [
        "table.sort({1, 2, 3}, function() while true do end end)",
        "string.format('%s', setmetatable({}, {__tostring = function() while true do end end}))",
    ])
    func `a quiet state is served while others spin and one floods`(spin: String) async throws {
        let pool = LuaThreadPool(threads: 1, background: 1, name: "fair")
        let limits = LuaLimits(handlerCPU: .seconds(2))
        let spinning = try (0..<2).map { _ in
            try TestState("test.on('f', function() \(spin) end)", limits: limits, pool: pool)
        }
        let flooding = try TestState(
            "test.on('f', function() local n = 0 for i = 1, 20000 do n = n + i end return n end)", pool: pool)
        let quiet = try TestState("test.on('f', function(x) return x end)", pool: pool)
        for test in spinning + [flooding, quiet] { try await test.load() }
        let spins = spinning.map { test in Task { try await test.call() } }
        let floods = (0..<32).map { _ in
            Task { while !Task.isCancelled { _ = try await flooding.call() } }
        }
        for number in 0..<100 {
            #expect(try await quiet.call("f", .integer(Int64(number))) == [.integer(Int64(number))])
        }
        #expect(quiet.state.statistics().waitNanoseconds > 0)
        for task in floods { task.cancel() }
        for task in floods { _ = try? await task.value }
        #expect(flooding.state.statistics().runs > 0)
        for test in spinning { #expect(test.state.statistics().kills.isEmpty) }
        await flooding.state.close()
        await quiet.state.close()
        for task in spins { task.cancel() }
        // Those that cannot give way are there to the end of their budgets, and the pool waits for them.
        for (test, task) in zip(spinning, spins) where spin.contains("sort") {
            await #expect(throws: LuaError.self) { try await task.value }
            await test.state.close()
        }
    }
}
