import CoreMetrics
import Synchronization

/// How often values fell below each of some bounds: of durations in seconds, or of sizes and counts.
final class PrometheusHistogram: TimerHandler, RecorderHandler, PrometheusMetric {
    /// For durations: 1 ms to 60 s.
    static let secondsBounds = [
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
    ]
    /// For sizes and counts: powers of four from 1 to 2^30.
    static let sizeBounds = stride(from: 0, through: 30, by: 2).map { Double(1 << $0) }

    private struct State {
        var counts: [UInt64]
        var sum = 0.0
        var count: UInt64 = 0
    }

    private let bounds: [Double]
    private let state: Mutex<State>

    init(bounds: [Double]) {
        self.bounds = bounds
        state = Mutex(State(counts: Array(repeating: 0, count: bounds.count)))
    }

    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }

    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) {
        let bucket = bounds.firstIndex { value <= $0 }
        state.withLock { state in
            if let bucket { state.counts[bucket] &+= 1 }
            state.sum += value
            state.count &+= 1
        }
    }

    func append(name: String, labels: String, to text: inout String) {
        let state = state.withLock { $0 }
        let prefix = labels.isEmpty ? "" : labels + ","
        var cumulative: UInt64 = 0
        for (bound, count) in zip(bounds, state.counts) {
            cumulative &+= count
            appendSample(
                "\(name)_bucket", "\(prefix)le=\"\(PrometheusName.number(bound))\"", String(cumulative),
                to: &text)
        }
        appendSample("\(name)_bucket", "\(prefix)le=\"+Inf\"", String(state.count), to: &text)
        appendSample("\(name)_sum", labels, PrometheusName.number(state.sum), to: &text)
        appendSample("\(name)_count", labels, String(state.count), to: &text)
    }
}
