import CLuaHost
import CPlainLua
import Glibc
import LuaRuntime

/// Compares calls from Lua into the host with calls of plain C functions; see README.md.
@main struct LuaHostCall {
    /// Both sides run this text, and a third one in a plugin.
    private static let loops = """
        local host = host
        host.on("empty", function(n) for i = 1, n do local x = i end end)
        host.on("integer", function(n) local f = host.integer for i = 1, n do local x = f(i) end end)
        host.on("text", function(n)
            local f, v = host.text, "refs/heads/main" for i = 1, n do local x = f(v) end
        end)
        host.on("bytes", function(n)
            local f, v = host.bytes, "refs/heads/main" for i = 1, n do local x = f(v) end
        end)
        host.on("attempt", function(n) local f = host.attempt for i = 1, n do local x = f(i) end end)
        host.on("at_once", function(n) local f = host.at_once for i = 1, n do local x = f(i) end end)
        host.on("record", function(n)
            local f, v = host.record, {id = 7, name = "main", size = 1.5} for i = 1, n do local x = f(v) end
        end)
        host.on("fields", function(n)
            local f, v = host.fields, {id = 7, name = "main", size = 1.5} for i = 1, n do local x = f(v) end
        end)
        host.on("encode", function(n)
            local f, v = host.encode, {id = 7, name = "main", size = 1.5} for i = 1, n do local x = f(v) end
        end)
        host.on("decode", function(n)
            local f, v = host.decode, '{"id":7,"name":"main","size":1.5}' for i = 1, n do local x = f(v) end
        end)
        host.on("plain", function(n)
            local f, v = host.plain, {id = 7, name = "main", size = 1.5} for i = 1, n do local x = f(v) end
        end)
        host.on("wait", function(n) local f = host.wait for i = 1, n do local x = f(i) end end)
        """
    private static let pluginLoops = """
        host.on("empty", function(n) for i = 1, n do local x = i end end)
        host.on("next", function(n) local f = host.next for i = 1, n do local x = f(i) end end)
        host.on("facts", function(n) local f = host.facts for i = 1, n do local x, y = f() end end)
        host.on("held", function(n) local o = host.open() for i = 1, n do local x = o:held() end end)
        host.on("header", function(n)
            local o = host.open() for i = 1, n do local x = o:header("X-Event-Key") end
        end)
        host.on("nested", function(n)
            local f = host.same
            local v = {id = 7, owner = {name = "jane", id = 3}, tags = {"a", "b", "c"}}
            for i = 1, n do local x = f(v) end
        end)
        """

    private static let comparisons = [
        Comparison(
            title: "fast function in Swift, an integer in and out", loop: "integer", calls: 100_000,
            pairs: 101,
            target: 2, aim: 100),
        Comparison(
            title: "fast function in Swift, a table of three fields in and out", loop: "fields",
            calls: 50_000,
            pairs: 101, target: 2, aim: 600),
        Comparison(
            title: "fast function in Swift, a text of 15 bytes in and out, lent", loop: "bytes",
            calls: 100_000, pairs: 101, target: 2),
        Comparison(
            title: "fast function in Swift, a text of 15 bytes in and out, as a String", loop: "text",
            calls: 100_000, pairs: 101, target: 2),
        Comparison(
            title: "attempted function in Swift (plain values), an integer in and out", loop: "attempt",
            calls: 100_000, pairs: 101, target: 2, aim: 100),
        Comparison(
            title: "json.encode of a table of three fields, against lua-cjson's", loop: "encode",
            calls: 20_000, pairs: 51, target: 2),
        Comparison(
            title: "json.decode of the same, against lua-cjson's", loop: "decode", calls: 20_000,
            pairs: 51, target: 2),
        Comparison(
            title: "attempted function in Swift, a table of three fields in and out as values",
            loop: "plain", calls: 20_000, pairs: 51, target: nil),
        Comparison(
            title: "quick function of a module, an integer in and out", loop: "next", calls: 100_000,
            pairs: 51, target: 2, isOfPlugin: true, aim: 100),
        Comparison(
            title: "quick method of an object, a boolean out", loop: "held", calls: 100_000, pairs: 51,
            target: 2, isOfPlugin: true),
        Comparison(
            title: "quick method of an object, a text in and out", loop: "header", calls: 50_000, pairs: 51,
            target: 2, isOfPlugin: true),
        Comparison(
            title: "quick function of a module, a table of five fields and a boolean out", loop: "facts",
            calls: 50_000, pairs: 51, target: 2, isOfPlugin: true, aim: 600),
        Comparison(
            title: "quick function of a module, tables in a table in and out as values", loop: "nested",
            calls: 20_000, pairs: 51, target: nil, isOfPlugin: true),
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
        let plugin = try await PluginSide(pluginLoops)
        guard let plain = plain_open(loops + "\n" + pluginLoops) else {
            throw BenchmarkError.peer("no state")
        }
        let chosen = CommandLine.arguments.dropFirst()
        var isGood = true
        for comparison in comparisons where chosen.isEmpty || chosen.contains(comparison.loop) {
            if comparison.isOfPlugin {
                isGood = try await comparison.run(plugin, plain) && isGood
            } else {
                isGood = try await comparison.run(host, plain) && isGood
            }
        }
        if chosen.isEmpty {
            try await waiting(host)
            try yielding()
            try await opening(pool)
            try await unloading(pool)
        }
        await host.state.close()
        await plugin.stop()
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
        print(
            "waiting function in Swift, answered at once: \(samples.median.text(1)) us of CPU; to reach: 5")
    }

    /// The same without Swift: what the C library takes to yield to its caller and to go on.
    private static func yielding() throws {
        guard let watchdog = clh_watchdog_start(), clh_thread_enter(watchdog) == 0 else {
            throw BenchmarkError.peer("no watchdog")
        }
        defer {
            clh_thread_leave()
            clh_watchdog_stop(watchdog)
        }
        var limits = clh_limits(
            heap_max: 64 << 20, block_max: 1 << 20, value_max: 256 << 10, source_max: 256 << 10,
            slice: 10_000_000, depth_max: 32)
        var callbacks = clh_callbacks()
        let text = Array("local f = host.wait for i = 1, 200000 do local x = f(i) end".utf8)
        guard let state = clh_open(&limits, &callbacks, 1),
            clh_add_function(state, "host.wait", "", CLH_WAITING, 0, 0) == 0,
            clh_add_source(state, "main.lua", text, text.count) == 0
        else { throw BenchmarkError.peer("no state") }
        defer { clh_close(state) }
        var samples = Samples()
        for _ in 0..<11 {
            let run = clh_begin_load(state, "main.lua", 600_000_000_000)
            var result = clh_result()
            var calls = 0.0
            let start = cpuSeconds()
            repeat {
                clh_resume(state, run, &result)
                if result.outcome == CLH_CALL {
                    clh_reply(state, CLH_VALUES, result.bytes, result.length)
                    calls += 1
                }
            } while result.outcome == CLH_CALL || result.outcome == CLH_SLICE
            samples.add((cpuSeconds() - start) / calls * 1e9)
        }
        print(
            "yield to the host and go on, in C, an integer out and in: \(samples.median.text(0)) ns of CPU; "
                + "to reach: 300")
    }

    /// A plugin that has filled its heap of 64 MiB with small tables.
    private static func unloading(_ pool: LuaThreadPool) async throws {
        var samples = Samples()
        var heap = 0
        for _ in 0..<5 {
            let text = """
                local all = {}
                pcall(function() while true do all = {all, {}} end end)
                kept = all
                """
            var limits = LuaLimits()
            limits.loadCPU = .seconds(60)
            let full = try LuaState(
                name: "full", limits: limits, functions: [], constants: [:],
                sources: ["main.lua": Array(text.utf8)], pool: pool, log: { _ in })
            try await full.load("main.lua")
            heap = full.statistics().heapBytes
            let start = ContinuousClock.now
            await full.close()
            let time = start.duration(to: .now)
            samples.add(Double(time.components.attoseconds) / 1e15 + Double(time.components.seconds) * 1e3)
        }
        print(
            "a full heap of \(heap >> 20) MiB is given back in \(samples.median.text(1)) ms; to reach: 50")
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
                + "\((Double(heap) / 1024).text(1)) KiB; to reach: 200 and 64")
    }
}
