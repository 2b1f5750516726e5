package import CoreMetrics
import Synchronization

/// Keeps the process's metrics and shows them in Prometheus' text format 0.0.4.
///
/// Dots in names become underscores; counters end in `_total`, timers in `_seconds`. A name that is used for
/// two kinds has the second kind appended. A family keeps at most 1,000 sets of labels, so that whoever can
/// choose a label cannot fill the memory; all further ones are counted in the series with the label
/// `overflow="true"`.
/// - Source: Prometheus, "Exposition formats", section "Text-based format".
package final class PrometheusRegistry: MetricsFactory, Sendable {
    private struct Family {
        let kind: PrometheusKind
        var metrics: [String: any PrometheusMetric] = [:]
    }

    private let families = Mutex<[String: Family]>([:])

    /// Sets of labels within one family.
    package static let seriesMax = 1000

    /// What an HTTP answer with ``exposition()`` says of itself.
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// An empty registry.
    package init() {}

    /// Every metric with its current value, families and series in the order of their names.
    package func exposition() -> String {
        // The metrics have locks of their own: nobody who counts waits for the text to be made.
        let families = families.withLock { $0 }
        var text = ""
        for (name, family) in families.sorted(by: { $0.key < $1.key }) {
            text += "# TYPE \(name) \(family.kind.rawValue)\n"
            for (labels, metric) in family.metrics.sorted(by: { $0.key < $1.key }) {
                metric.append(name: name, labels: labels, to: &text)
            }
        }
        return text
    }

    /// A number that only grows.
    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        metric(label, dimensions, .counter, suffix: "_total") { PrometheusCounter() }
    }

    /// A number that goes up and down.
    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        metric(label, dimensions, .gauge, suffix: "") { PrometheusGauge() }
    }

    /// A distribution when it aggregates, else a number that goes up and down.
    package func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        guard aggregate else { return metric(label, dimensions, .gauge, suffix: "") { PrometheusGauge() } }
        return metric(label, dimensions, .histogram, suffix: "") {
            PrometheusHistogram(bounds: PrometheusHistogram.sizeBounds)
        }
    }

    /// A distribution of durations.
    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        metric(label, dimensions, .histogram, suffix: "_seconds") {
            PrometheusHistogram(bounds: PrometheusHistogram.secondsBounds)
        }
    }

    /// Forgets a counter.
    package func destroyCounter(_ handler: any CounterHandler) { remove(handler) }

    /// Forgets a meter.
    package func destroyMeter(_ handler: any MeterHandler) { remove(handler) }

    /// Forgets a recorder.
    package func destroyRecorder(_ handler: any RecorderHandler) { remove(handler) }

    /// Forgets a timer.
    package func destroyTimer(_ handler: any TimerHandler) { remove(handler) }

    private func metric<M: PrometheusMetric>(
        _ label: String, _ dimensions: [(String, String)], _ kind: PrometheusKind, suffix: String,
        make: () -> M
    ) -> M {
        var name = PrometheusName.sanitized(label)
        if !name.hasSuffix(suffix) { name += suffix }
        let labels = PrometheusName.labels(dimensions)
        return families.withLock { families in
            if let family = families[name], family.kind != kind { name += "_\(kind.rawValue)" }
            var family = families[name] ?? Family(kind: kind)
            if let metric = family.metrics[labels] as? M { return metric }
            let isFull = family.metrics.count >= PrometheusRegistry.seriesMax
            let place = isFull ? "overflow=\"true\"" : labels
            if isFull, let metric = family.metrics[place] as? M { return metric }
            let metric = make()
            family.metrics[place] = metric
            families[name] = family
            return metric
        }
    }

    private func remove(_ handler: any AnyObject) {
        families.withLock { families in
            for (name, family) in families {
                for (labels, metric) in family.metrics where metric === handler {
                    families[name]?.metrics.removeValue(forKey: labels)
                    return
                }
            }
        }
    }
}
