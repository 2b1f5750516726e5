import CoreMetrics
import Synchronization

/// A number that only grows.
final class PrometheusCounter: CounterHandler, PrometheusMetric {
    private let value = Atomic<Int64>(0)

    func increment(by amount: Int64) {
        guard amount > 0 else { return }
        // After 2^63 it begins anew, which Prometheus takes for a restart.
        value.wrappingAdd(amount, ordering: .relaxed)
    }

    func reset() {
        value.store(0, ordering: .relaxed)
    }

    func append(name: String, labels: String, to text: inout String) {
        appendSample(name, labels, String(max(0, value.load(ordering: .relaxed))), to: &text)
    }
}
