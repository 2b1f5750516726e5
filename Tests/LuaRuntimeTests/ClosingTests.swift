import LuaRuntime
import Portable
import Synchronization
import Testing

/// How states, and the calls in flight, end.
@Suite struct ClosingTests {
    private static func gated(_ gate: Gate) -> LuaHostFunction {
        LuaHostFunction(
            path: "test.gate",
            kind: .waiting { _, _ in
                await gate.pass()
                return []
            })
    }

    @Test func `closing ends pending calls at once`() async throws {
        let gate = Gate()
        let test = try TestState(
            "test.on('f', function() test.gate() return 1 end)", functions: [Self.gated(gate)])
        try await test.load()
        let call = Task { try await test.call() }
        await gate.waitForArrivals(1)
        await test.state.close()
        await #expect(throws: LuaError.closed) { _ = try await call.value }
        #expect(test.state.statistics().heapBytes == 0)
        await gate.open()  // the late answer meets a closed state
        await test.state.close()
        await #expect(throws: LuaError.closed) { _ = try await test.call() }
        await #expect(throws: LuaError.closed) { try await test.load() }
    }

    @Test func `cancelling a call that waits drops the answer and keeps the state`() async throws {
        let gate = Gate()
        let test = try TestState(
            """
            local after = 0
            test.on('f', function() test.gate() after = after + 1 end)
            test.on('g', function() return after end)
            """,
            functions: [Self.gated(gate)])
        try await test.load()
        let call = Task { try await test.call() }
        await gate.waitForArrivals(1)
        call.cancel()
        await #expect(throws: LuaError.killed(reason: "cancelled")) { _ = try await call.value }
        await gate.open()
        #expect(try await test.call("g") == [0])
        #expect(test.state.statistics().kills == ["cancelled": 1])
        await test.state.close()
    }

    @Test func `a closing state cancels what its runs wait for`() async throws {
        let (started, begin) = AsyncStream<Void>.makeStream()
        let (ended, end) = AsyncStream<Bool>.makeStream()
        let wait = LuaHostFunction(
            path: "test.forever",
            kind: .waiting { _, _ in
                begin.yield()
                let (never, source) = AsyncStream<Void>.makeStream()
                for await _ in never {}  // ends when its task is cancelled
                end.yield(Task.isCancelled)
                _ = source
                return []
            })
        let test = try TestState("test.on('f', function() test.forever() end)", functions: [wait])
        try await test.load()
        let call = Task { try await test.call() }
        for await _ in started { break }
        await test.state.close()
        for await isCancelled in ended {
            #expect(isCancelled)
            break
        }
        await #expect(throws: LuaError.closed) { _ = try await call.value }
    }

    @Test func `what calls that wait hold together is limited, also after their runs were ended`()
        async throws
    {
        let gate = Gate()
        let test = try TestState(
            """
            test.on('f', function(size) test.gate(("x"):rep(size)) end)
            test.on('g', function(size) return pcall(test.gate, ("x"):rep(size)) end)
            """,
            limits: LuaLimits(waitingBytesMax: 250_000), functions: [Self.gated(gate)])
        try await test.load()
        let calls = (0..<2).map { _ in Task { try await test.call("f", 100_000) } }
        await gate.waitForArrivals(2)
        let refused = try await test.call("g", 100_000)
        #expect(refused[0] == false)
        let text = refused.count > 1 ? refused[1].stringValue ?? "" : ""
        #expect(
            text.hasSuffix(
                """
                test.gate: calls of this plugin that wait hold too much data (at most 250000 bytes \
                together); make fewer of them at a time
                """))
        // What fits still goes, and a run's end frees nothing while the work goes on.
        let small = Task { try await test.call("f", 1_000) }
        await gate.waitForArrivals(3)
        calls[0].cancel()
        await #expect(throws: LuaError.killed(reason: "cancelled")) { _ = try await calls[0].value }
        #expect(try await test.call("g", 100_000).first == false)
        await gate.open()
        _ = try await calls[1].value
        _ = try await small.value
        // The last of them may be a moment behind its answer.
        let deadline = ContinuousClock.now + .seconds(120)
        while try await test.call("g", 100_000) != [true] {
            try #require(ContinuousClock.now < deadline, "the data of calls that ended still counts")
        }
        await test.state.close()
    }

    @Test func `more calls than allowed are refused at once`() async throws {
        let gate = Gate()
        let test = try TestState(
            "test.on('f', function() test.gate() end)", limits: LuaLimits(outstandingCallsMax: 3),
            functions: [Self.gated(gate)])
        try await test.load()
        let calls = (0..<3).map { _ in Task { try await test.call() } }
        await gate.waitForArrivals(3)
        await #expect(throws: LuaError.tooManyCalls(limit: 3)) { _ = try await test.call() }
        await gate.open()
        for call in calls { #expect(try await call.value == []) }
        #expect(try await test.call() == [])
        await test.state.close()
    }

    @Test func `statistics count runs, host calls and time`() async throws {
        let test = try TestState(
            """
            test.on('f', function()
              for i = 1, 10 do test.echo(i) end
              local n = 0
              for i = 1, 300000 do n = n + i end
            end)
            """,
            functions: [HostCallTests.echo])
        try await test.load()
        let before = test.state.statistics()
        _ = try await test.call()
        let after = test.state.statistics()
        #expect(after.runs - before.runs == 1)
        #expect(after.hostCalls - before.hostCalls == 10)
        #expect(after.cpuNanoseconds > before.cpuNanoseconds)
        await test.state.close()
    }

    @Test func `many states share few threads`() async throws {
        try await withThrowingTaskGroup(of: [PortableValue].self) { group in
            for number in 0..<50 {
                group.addTask {
                    try await TestState.run(
                        "local n = 0 for i = 1, 1000 do n = n + test.wait(i % 2) end return n, \(number)",
                        functions: [HostCallTests.wait])
                }
            }
            for try await results in group { #expect(results.first == 500) }
        }
    }

    @Test func `two states share nothing`() async throws {
        let first = try TestState(
            "shared = 1 string.upper = nil test.on('f', function() return tostring(test) end)")
        let second = try TestState(
            "test.on('f', function() return shared, ('x'):upper(), tostring(test), math.random(1 << 60) end)")
        try await first.load()
        try await second.load()
        let results = try await second.call()
        #expect(Array(results.prefix(2)) == [.null, "X"])
        #expect(try await first.call().first != results[2])
    }
}
