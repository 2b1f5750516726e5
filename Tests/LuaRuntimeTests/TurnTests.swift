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

    @Test func `a quiet state is served while one spins where it cannot give way and one floods`()
        async throws
    {
        let pool = LuaThreadPool(threads: 2, name: "fair")
        let limits = LuaLimits(handlerCPU: .seconds(2))
        let spinning = try TestState(
            "test.on('f', function() table.sort({1, 2, 3}, function() while true do end end) end)",
            limits: limits, pool: pool)
        let flooding = try TestState(
            "test.on('f', function() local n = 0 for i = 1, 20000 do n = n + i end return n end)", pool: pool)
        let quiet = try TestState("test.on('f', function(x) return x end)", pool: pool)
        for test in [spinning, flooding, quiet] { try await test.load() }
        let spin = Task { try await spinning.call() }
        let floods = (0..<32).map { _ in
            Task { while !Task.isCancelled { _ = try await flooding.call() } }
        }
        for number in 0..<100 {
            #expect(try await quiet.call("f", .integer(Int64(number))) == [.integer(Int64(number))])
        }
        #expect(quiet.state.statistics().waitNanoseconds > 0)
        for flood in floods { flood.cancel() }
        spin.cancel()
        for flood in floods { _ = try? await flood.value }
        #expect(flooding.state.statistics().runs > 0)
        await #expect(throws: LuaError.self) { _ = try await spin.value }
        for test in [spinning, flooding, quiet] { await test.state.close() }
        pool.stop()
    }
}
