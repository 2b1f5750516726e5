import CPlainLua
import Glibc
import LuaRuntime

/// Compares calls from Lua into the host with calls of plain C functions; see README.md.
@main struct LuaHostCall {
    /// Both sides run this text.
    private static let loops = """
        local host = host
        host.on("empty", function(n) for i = 1, n do local x = i end end)
        host.on("integer", function(n) local f = host.integer for i = 1, n do local x = f(i) end end)
        host.on("text", function(n)
            local f, v = host.text, "refs/heads/main" for i = 1, n do local x = f(v) end
        end)
        host.on("at_once", function(n) local f = host.at_once for i = 1, n do local x = f(i) end end)
        host.on("record", function(n)
            local f, v = host.record, {id = 7, name = "main", size = 1.5} for i = 1, n do local x = f(v) end
        end)
        host.on("wait", function(n) local f = host.wait for i = 1, n do local x = f(i) end end)
        """

    private static let comparisons = [
        Comparison(
            title: "fast function in Swift, an integer in and out", loop: "integer", calls: 100_000,
            pairs: 101,
            target: 2.5),
        Comparison(
            title: "fast function in Swift, a text of 15 bytes in and out", loop: "text", calls: 100_000,
            pairs: 31, target: nil),
        Comparison(
            title: "immediate function in Swift (any plain data), an integer in and out", loop: "at_once",
            calls: 50_000, pairs: 31, target: nil),
        Comparison(
            title: "immediate function in Swift, a table of three fields in and out", loop: "record",
            calls: 20_000, pairs: 31, target: nil),
    ]

    static func main() async throws {
        let pool = LuaThreadPool(threads: 1, name: "benchmark")
        let host = try await HostSide(loops, pool: pool)
        guard let plain = plain_open(loops) else { throw BenchmarkError.peer("no state") }
        let chosen = CommandLine.arguments.dropFirst()
        var isGood = true
        for comparison in comparisons where chosen.isEmpty || chosen.contains(comparison.loop) {
            isGood = try await comparison.run(host, plain) && isGood
        }
        if chosen.isEmpty {
            try await waiting(host)
            try await opening(pool)
        }
        await host.state.close()
        plain_close(plain)
        pool.stop()
        if !isGood { exit(1) }
    }

    /// A call that yields, is answered by an async function off the Lua thread, and goes on.
    private static func waiting(_ host: HostSide) async throws {
        var samples = Samples()
        for _ in 0..<11 {
            let start = cpuSeconds()
            try await host.call("wait", 5_000)
            samples.add((cpuSeconds() - start) / 5_000 * 1e6)
        }
        print("waiting function in Swift, answered at once: \(samples.median.text(1)) us of CPU")
    }

    private static func opening(_ pool: LuaThreadPool) async throws {
        var samples = Samples()
        var heap = 0
        for _ in 0..<11 {
            let start = cpuSeconds()
            for _ in 0..<50 {
                let one = try LuaState(
                    name: "one", limits: LuaLimits(), functions: [], constants: [:], sources: [:], pool: pool,
                    log: { _ in })
                heap = one.statistics().heapBytes
                await one.close()
            }
            samples.add((cpuSeconds() - start) / 50 * 1e6)
        }
        print(
            "new state, opened and closed: \(samples.median.text(1)) us of CPU, "
                + "\((Double(heap) / 1024).text(1)) KiB")
    }
}
