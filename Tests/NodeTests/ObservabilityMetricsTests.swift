import CoreMetrics
import Observability
import Testing

@Suite struct ObservabilityMetricsTests {
    @Test func `counters and gauges are shown by family with their labels`() {
        let registry = PrometheusRegistry()
        registry.makeCounter(label: "perigee.pushes", dimensions: [("result", "ok")]).increment(by: 2)
        registry.makeCounter(label: "perigee.pushes", dimensions: [("result", "ok")]).increment(by: 1)
        registry.makeCounter(label: "perigee.pushes", dimensions: [("result", "bad")]).increment(by: -5)
        let gauge = registry.makeMeter(label: "perigee.tickets.free", dimensions: [])
        gauge.set(12 as Int64)
        gauge.decrement(by: 1.5)
        registry.makeRecorder(label: "1 odd-name", dimensions: [], aggregate: false).record(3 as Int64)
        #expect(
            registry.exposition() == """
                # TYPE _1_odd_name gauge
                _1_odd_name 3
                # TYPE perigee_pushes_total counter
                perigee_pushes_total{result="bad"} 0
                perigee_pushes_total{result="ok"} 3
                # TYPE perigee_tickets_free gauge
                perigee_tickets_free 10.5

                """)
    }

    @Test func `label values are escaped and label names are made valid`() {
        let registry = PrometheusRegistry()
        let dimensions = [("le", "a\"b\\c\nd"), ("plugin.id", "ä"), ("plugin-id", "twice"), ("__x", "")]
        registry.makeCounter(label: "c_total", dimensions: dimensions).increment(by: 1)
        #expect(
            registry.exposition() == """
                # TYPE c_total counter
                c_total{label___x="",label_le="a\\"b\\\\c\\nd",plugin_id="ä"} 1

                """)
    }

    @Test func `durations fall into buckets of seconds that add up`() {
        let registry = PrometheusRegistry()
        let timer = registry.makeTimer(label: "perigee.http.request", dimensions: [("method", "GET")])
        timer.recordNanoseconds(1_000_000)
        timer.recordNanoseconds(20_000_000)
        timer.recordNanoseconds(90_000_000_000)
        let lines = registry.exposition().split(separator: "\n").map(String.init)
        #expect(lines.first == "# TYPE perigee_http_request_seconds histogram")
        let name = "perigee_http_request_seconds"
        for line in [
            "\(name)_bucket{method=\"GET\",le=\"0.001\"} 1", "\(name)_bucket{method=\"GET\",le=\"0.01\"} 1",
            "\(name)_bucket{method=\"GET\",le=\"0.025\"} 2", "\(name)_bucket{method=\"GET\",le=\"60\"} 2",
            "\(name)_bucket{method=\"GET\",le=\"+Inf\"} 3", "\(name)_sum{method=\"GET\"} 90.021",
            "\(name)_count{method=\"GET\"} 3",
        ] {
            #expect(lines.contains(line), "\(line)")
        }
    }

    @Test func `sizes fall into buckets of powers of four`() {
        let registry = PrometheusRegistry()
        registry.makeRecorder(label: "size", dimensions: [], aggregate: true).record(17 as Int64)
        let text = registry.exposition()
        #expect(text.contains("size_bucket{le=\"16\"} 0\nsize_bucket{le=\"64\"} 1\n"))
        #expect(text.contains("size_sum 17\nsize_count 1\n"))
    }

    @Test func `a name that is used for two kinds gives two families`() {
        let registry = PrometheusRegistry()
        registry.makeMeter(label: "x", dimensions: []).set(1 as Int64)
        registry.makeRecorder(label: "x", dimensions: [], aggregate: true).record(1 as Int64)
        let text = registry.exposition()
        #expect(text.contains("# TYPE x gauge\nx 1\n"))
        #expect(text.contains("# TYPE x_histogram histogram\n"))
    }

    @Test func `labels beyond the limit share one series`() {
        let registry = PrometheusRegistry()
        for number in 0..<(PrometheusRegistry.seriesMax + 50) {
            registry.makeCounter(label: "c", dimensions: [("user", "\(number)")]).increment(by: 1)
        }
        let lines = registry.exposition().split(separator: "\n")
        #expect(lines.count == PrometheusRegistry.seriesMax + 2)
        #expect(lines.contains("c_total{overflow=\"true\"} 50"))
    }

    @Test func `what is destroyed is shown no more`() {
        let registry = PrometheusRegistry()
        let counter = registry.makeCounter(label: "c", dimensions: [])
        registry.destroyCounter(counter)
        #expect(!registry.exposition().contains("c_total 0"))
    }

    @Test func `counting from many tasks loses nothing`() async {
        let registry = PrometheusRegistry()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<1000 {
                        registry.makeCounter(label: "c", dimensions: []).increment(by: 1)
                        registry.makeTimer(label: "t", dimensions: []).recordNanoseconds(1)
                    }
                }
            }
        }
        let text = registry.exposition()
        #expect(text.contains("c_total 8000\n"))
        #expect(text.contains("t_seconds_count 8000\n"))
    }
}
