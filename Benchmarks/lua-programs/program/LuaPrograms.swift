import Glibc
import LuaRuntime

/// Runs the same programs in the sandbox and in the stock interpreter; see README.md.
@main struct LuaPrograms {
    private static let pairs = 7
    private static let target = 1.1

    enum Failure: Error {
        case peer(String)
        case usage
    }

    static func main() async throws {
        guard CommandLine.arguments.count > 1 else { throw Failure.usage }
        let directory = CommandLine.arguments[1]
        let chosen = CommandLine.arguments.dropFirst(2)
        let pool = LuaThreadPool(threads: 1, name: "programs")
        print("program       sandbox s   lua5.4 s   ratio (min..max)      limit costs")
        var ratios: [Double] = []
        var costs: [Double] = []
        for name in try names(directory) where chosen.isEmpty || chosen.contains(name) {
            let (ratio, cost) = try await compare(name, "\(directory)/\(name).lua", pool)
            ratios.append(ratio)
            costs.append(cost)
        }
        let (ratio, cost) = (median(ratios), median(costs))
        print(
            "median of the programs: ratio \(text(ratio, 2)), the limit costs \(text((cost - 1) * 100, 1)) %")
        print(
            "target: at most \(text(target, 1)) and 3 %:",
            ratio <= target && cost <= 1.03 ? "reached" : "MISSED"
        )
        pool.stop()
        if ratio > target || cost > 1.03 { exit(1) }
    }

    private static func compare(
        _ name: String, _ path: String, _ pool: LuaThreadPool
    ) async throws -> (Double, Double) {
        let source = try read(path)
        var ours: [Double] = []
        var peers: [Double] = []
        var ratios: [Double] = []
        var costs: [Double] = []
        for pair in 0..<pairs {
            let first = pair.isMultiple(of: 2) ? try peer(path) : nil
            let our = try await run(source, .milliseconds(10), pool)
            let unlimited = try await run(source, .seconds(3_600), pool)
            let peer = try first ?? peer(path)
            ours.append(our)
            peers.append(peer)
            ratios.append(our / peer)
            costs.append(our / unlimited)
        }
        let line = [text(median(ours), 3), text(median(peers), 3)].map { pad($0, 11) }.joined()
        let spread =
            "\(text(median(ratios), 2)) (\(text(ratios.min() ?? 0, 2))..\(text(ratios.max() ?? 0, 2)))"
        let cost = text((median(costs) - 1) * 100, 1)
        print(
            name + String(repeating: " ", count: max(1, 12 - name.count)) + line + "   " + spread
                + pad(cost, 12), "%")
        return (median(ratios), median(costs))
    }

    /// Seconds of CPU of this process for one run in a new state.
    private static func run(
        _ source: [UInt8], _ slice: Duration, _ pool: LuaThreadPool
    ) async throws -> Double {
        var limits = LuaLimits()
        limits.loadCPU = .seconds(600)
        limits.slice = slice
        let start = cpuSeconds(CLOCK_PROCESS_CPUTIME_ID)
        let state = try LuaState(
            name: "program", limits: limits, functions: [], constants: [:], sources: ["main.lua": source],
            pool: pool, log: { print($0.message) })
        try await state.load("main.lua")
        await state.close()
        return cpuSeconds(CLOCK_PROCESS_CPUTIME_ID) - start
    }

    /// Seconds of CPU of the stock interpreter for the same file.
    private static func peer(_ path: String) throws -> Double {
        var child = pid_t()
        let arguments: [UnsafeMutablePointer<CChar>?] = [strdup("lua5.4"), strdup(path), nil]
        defer { for argument in arguments { free(argument) } }
        guard posix_spawnp(&child, "lua5.4", nil, nil, arguments, environ) == 0 else {
            throw Failure.peer("lua5.4 cannot be started")
        }
        var status: Int32 = 0
        var usage = rusage()
        guard wait4(child, &status, 0, &usage) == child, status == 0 else { throw Failure.peer(path) }
        return [usage.ru_utime, usage.ru_stime].reduce(0) {
            $0 + Double($1.tv_sec) + Double($1.tv_usec) * 1e-6
        }
    }

    private static func names(_ directory: String) throws -> [String] {
        guard let stream = opendir(directory) else { throw Failure.usage }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasSuffix(".lua") { names.append(String(name.dropLast(4))) }
        }
        return names.sorted()
    }

    private static func read(_ path: String) throws -> [UInt8] {
        guard let file = fopen(path, "r") else { throw Failure.usage }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 18)
        let count = fread(&bytes, 1, bytes.count, file)
        return Array(bytes.prefix(count))
    }

    private static func cpuSeconds(_ clock: clockid_t) -> Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    private static func median(_ values: [Double]) -> Double {
        values.isEmpty ? .nan : values.sorted()[values.count / 2]
    }

    private static func text(_ value: Double, _ digits: Int) -> String {
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let whole = Int((value.magnitude * scale).rounded())
        var text = String(whole)
        while text.count <= digits { text = "0" + text }
        text.insert(".", at: text.index(text.endIndex, offsetBy: -digits))
        return (value < 0 && whole > 0 ? "-" : "") + text
    }

    private static func pad(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }
}
