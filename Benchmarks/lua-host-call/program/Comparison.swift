import CPlainLua

/// A side that has the loops in Lua.
protocol Side: Sendable {
    func call(_ name: String, _ number: Int64) async throws
}

/// One function on both sides: interleaved pairs of samples, and their figures per call in nanoseconds.
struct Comparison {
    let title: String
    /// The loop that both main chunks hand over.
    let loop: String
    let calls: Int64
    let pairs: Int
    /// The highest ratio that is good enough.
    let target: Double?
    /// Whether it is measured in a plugin host, with checks and counts, or in a state alone.
    var isOfPlugin = false
    /// What a call should take at most, in nanoseconds; told, but a slow or busy machine does not fail.
    var aim: Double?

    struct Figures {
        /// The whole call, its turn of the loop included; without that turn; and the empty loop's turn.
        var whole = Samples(), bare = Samples(), empty = Samples()

        mutating func add(whole: Double, empty: Double) {
            self.whole.add(whole)
            self.empty.add(empty)
            bare.add(whole - empty)
        }
    }

    /// Measures, prints a row, and gives whether the target is reached.
    func run(_ host: some Side, _ plain: OpaquePointer) async throws -> Bool {
        var ours = Figures()
        var peers = Figures()
        var wholeRatio = Samples()
        var bareRatio = Samples()
        for pair in -3..<pairs {
            let hostIsFirst = pair.isMultiple(of: 2)
            let first = hostIsFirst ? try await sample(host) : nil
            let peer = try sample(plain)
            let our = if let first { first } else { try await sample(host) }
            guard pair >= 0 else { continue }  // warming up
            ours.add(whole: our.whole, empty: our.empty)
            peers.add(whole: peer.whole, empty: peer.empty)
            wholeRatio.add(our.whole / peer.whole)
            bareRatio.add((our.whole - our.empty) / (peer.whole - peer.empty))
        }
        print(title)
        print(
            "  ", "whole call, loop included", row(ours.whole, peers.whole, wholeRatio), goal(wholeRatio),
            aimed(ours.whole))
        print("  ", "empty loop taken off      ", row(ours.bare, peers.bare, bareRatio))
        print("  ", "the empty loop itself     ", row(ours.empty, peers.empty, nil))
        return target.map { wholeRatio.median <= $0 } ?? true
    }

    private func sample(_ host: some Side) async throws -> (whole: Double, empty: Double) {
        let start = cpuSeconds()
        try await host.call("empty", calls)
        let middle = cpuSeconds()
        try await host.call(loop, calls)
        return perCall(start, middle, cpuSeconds())
    }

    private func sample(_ plain: OpaquePointer) throws -> (whole: Double, empty: Double) {
        let start = cpuSeconds()
        guard plain_call(plain, "empty", calls) == 0 else { throw BenchmarkError.peer("empty") }
        let middle = cpuSeconds()
        guard plain_call(plain, loop, calls) == 0 else { throw BenchmarkError.peer(loop) }
        return perCall(start, middle, cpuSeconds())
    }

    private func perCall(_ start: Double, _ middle: Double, _ end: Double) -> (whole: Double, empty: Double) {
        ((end - middle) / Double(calls) * 1e9, (middle - start) / Double(calls) * 1e9)
    }

    private func row(_ ours: Samples, _ peers: Samples, _ ratio: Samples?) -> String {
        let times = "\(ours.median.text(1, width: 7)) ns  peer \(peers.median.text(1, width: 7)) ns"
        guard let ratio else { return times }
        return times + "  ratio \(ratio.median.text(2)) "
            + "(middle half \(ratio.quantile(0.25).text(2)) to \(ratio.quantile(0.75).text(2)))"
    }

    private func aimed(_ ours: Samples) -> String {
        guard let aim else { return "" }
        return "aim \(aim.text(0)) ns: \(ours.median <= aim ? "reached" : "MISSED")"
    }

    private func goal(_ ratio: Samples) -> String {
        guard let target else { return "" }
        return "target \(target.text(1)): \(ratio.median <= target ? "reached" : "MISSED")"
    }
}
