import FoundationEssentials
import Portable

/// The figures of all plugins at one moment, as a table.
struct PluginTopTable {
    private struct Row {
        let id: String
        let state: String
        /// Of one processor, since the table before; since the start when there is none.
        let share: Double?
        let cpu: Int64
        let cells: [String]
    }

    private let rows: [Row]
    private let cpu: [String: Int64]
    private let moment = ContinuousClock.now

    /// - Parameter plugins: As the REST API gives them, with `statistics`.
    /// - Parameter last: The table before, from which shares are reckoned.
    init(_ plugins: [PortableValue], since last: PluginTopTable?) {
        let passed = last.map { Self.seconds($0.moment.duration(to: .now)) }
        var cpu: [String: Int64] = [:]
        rows = plugins.map { plugin in
            let id = plugin["id"]?.stringValue ?? ""
            let figures = plugin["statistics"] ?? .map([:])
            let used = figures["cpuNanoseconds"]?.integerValue ?? 0
            cpu[id] = used
            let before = last?.cpu[id] ?? 0
            let share = passed.map { max(0, Double(used - before)) / 1e9 / max($0, 0.001) }
            return Row(
                id: id, state: plugin["state"]?.stringValue ?? "", share: share, cpu: used,
                cells: Self.cells(figures))
        }
        self.cpu = cpu
    }

    /// The table; the plugin that uses most CPU first.
    var text: String {
        let sorted = rows.sorted { left, right in
            if left.share != right.share { return (left.share ?? 0) > (right.share ?? 0) }
            return left.cpu == right.cpu ? left.id < right.id : left.cpu > right.cpu
        }
        let head = [
            "PLUGIN", "STATE", "CPU%", "CPU s", "THREAD s", "WAIT s", "RUNS", "FAILED", "KILLS", "HEAP",
            "PEAK",
            "CALLS", "DENIED", "READY", "QUEUE",
        ]
        return TextTable.render(
            [head]
                + sorted.map { row in
                    let share = row.share.map { Self.decimal($0 * 100, 1) } ?? "-"
                    return [row.id, row.state, share] + row.cells
                })
    }

    private static func cells(_ figures: PortableValue) -> [String] {
        let number = { (name: String) in figures[name]?.integerValue ?? 0 }
        let kills = figures["kills"]?.mapValue?.values.reduce(0) { $0 + ($1.integerValue ?? 0) } ?? 0
        var (calls, denied): (Int64, Int64) = (0, 0)
        for outcomes in (figures["hostCalls"]?.mapValue ?? [:]).values {
            for (outcome, count) in outcomes.mapValue ?? [:] {
                calls += count.integerValue ?? 0
                if outcome == "denied" { denied += count.integerValue ?? 0 }
            }
        }
        return [
            decimal(Double(number("cpuNanoseconds")) / 1e9, 3),
            decimal(Double(number("threadWaitNanoseconds")) / 1e9, 3),
            decimal(Double(number("waitNanoseconds")) / 1e9, 3), "\(number("runs"))",
            "\(number("failures"))", "\(kills)", size(number("heapBytes")), size(number("heapPeakBytes")),
            "\(calls)", "\(denied)", "\(number("threadQueue"))", "\(number("queued"))",
        ]
    }

    private static func seconds(_ duration: Duration) -> Double {
        let (seconds, attoseconds) = duration.components
        return Double(seconds) + Double(attoseconds) / 1e18
    }

    private static func size(_ bytes: Int64) -> String {
        bytes < 1 << 20
            ? "\(decimal(Double(bytes) / 1024, 1)) KiB" : "\(decimal(Double(bytes) / 1_048_576, 1)) MiB"
    }

    private static func decimal(_ number: Double, _ digits: Int) -> String {
        let scale = [1.0, 10, 100, 1_000][min(max(digits, 0), 3)]
        guard let whole = Int64(exactly: (number * scale).rounded()) else { return "?" }
        let (quotient, rest) = whole.quotientAndRemainder(dividingBy: Int64(scale))
        let tail = String(rest)
        return "\(quotient).\(String(repeating: "0", count: max(0, digits - tail.count)))\(tail)"
    }
}
