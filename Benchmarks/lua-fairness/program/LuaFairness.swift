import Glibc
import LuaRuntime
import Portable
import Synchronization

/// Times a quiet plugin's calls alone and beside hostile neighbours; see README.md.
@main struct LuaFairness {
    private static let calls = 1_000
    private static let targetMilliseconds = 30.0

    static func main() async throws {
        let pool = LuaThreadPool(threads: 2, background: 2, name: "fairness")
        print("a quiet plugin's call beside its neighbours, ms   median     p99     max   waited")
        _ = try await row("alone", nil, spinning: 0, pool)
        let sort = "table.sort({3, 1, 2}, function() while true do end end)"
        // From this place no run can give way, neither at the end of its slice nor to wait for the host.
        let held =
            "local t = setmetatable({}, {__tostring = function() while true do end end}) "
            + "return ('%s'):format(t)"
        var worst = 0.0
        for (title, hostile, count) in [
            ("one spins, one floods", "while true do end", 1),
            ("one spins in a comparator, one floods", sort, 1),
            ("four spin in comparators, one floods", sort, 4),
            ("four spin in __tostring, one floods", held, 4),
        ] {
            worst = max(worst, try await row(title, hostile, spinning: count, pool))
        }
        pool.stop()
        let isGood = worst <= targetMilliseconds
        print("target: p99 of at most three slices, 30 ms: \(isGood ? "reached" : "MISSED")")
        if !isGood { exit(1) }
    }

    /// Measures and prints one row; gives the 99th percentile.
    private static func row(
        _ title: String, _ hostile: String?, spinning count: Int, _ pool: LuaThreadPool
    ) async throws -> Double {
        let quiet = try await Plugin("local n = 0 for i = 1, 100 do n = n + i end return n", pool: pool)
        var neighbours: [Plugin] = []
        var tasks: [Task<Void, Never>] = []
        if let hostile {
            for _ in 0..<count {
                let spinning = try await Plugin(hostile, pool: pool)
                neighbours.append(spinning)
                tasks.append(Task { while !Task.isCancelled { await spinning.call() } })
            }
            let flooding = try await Plugin(
                "local n = 0 for i = 1, 5000 do n = n + i end return n", pool: pool)
            neighbours.append(flooding)
            for _ in 0..<32 { tasks.append(Task { while !Task.isCancelled { await flooding.call() } }) }
        }
        var times: [Double] = []
        for _ in 0..<calls {
            let start = ContinuousClock.now
            await quiet.call()
            times.append(milliseconds(start.duration(to: .now)))
            try await Task.sleep(for: .milliseconds(5))
        }
        for task in tasks { task.cancel() }
        times.sort()
        let p99 = times[calls * 99 / 100]
        let waited = Double(quiet.state.statistics().waitNanoseconds) / 1e6 / Double(calls)
        let figures = [times[calls / 2], p99, times[calls - 1], waited].map { text($0) }.joined()
        print(title.padded(to: 48) + figures)
        for task in tasks { await task.value }
        for plugin in neighbours + [quiet] { await plugin.state.close() }
        return p99
    }

    private static func milliseconds(_ duration: Duration) -> Double {
        Double(duration.components.seconds) * 1e3 + Double(duration.components.attoseconds) / 1e15
    }

    private static func text(_ value: Double) -> String {
        let thousandths = Int((value * 1000).rounded())
        let part = String(thousandths % 1000)
        let text = "\(thousandths / 1000)." + String(repeating: "0", count: 3 - part.count) + part
        return String(repeating: " ", count: max(1, 8 - text.count)) + text
    }
}

/// A state with one function.
private struct Plugin {
    let state: LuaState
    private let function: LuaFunctionReference

    private struct NoFunction: Error {}

    init(_ body: String, pool: LuaThreadPool) async throws {
        let handed = Mutex<LuaFunctionReference?>(nil)
        let on = LuaHostFunction(
            path: "on", acceptsFunctions: true,
            kind: .immediate { arguments, _ in
                handed.withLock { $0 = arguments.function(0) }
                return []
            })
        state = try LuaState(
            name: "plugin", limits: LuaLimits(), functions: [on], constants: [:],
            sources: ["main.lua": Array("on(function() \(body)\nend)".utf8)], pool: pool, log: { _ in })
        try await state.load("main.lua")
        guard let function = handed.withLock({ $0 }) else { throw NoFunction() }
        self.function = function
    }

    /// Its outcome is not looked at: the hostile ones are ended by force.
    func call() async {
        _ = try? await state.call(function, [])
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
