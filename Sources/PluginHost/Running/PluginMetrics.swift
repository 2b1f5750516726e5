import Metrics

/// One plugin's metrics; the names are those of `perigee plugin show` and the REST API.
struct PluginMetrics: Sendable {
    private let pluginID: String
    /// Pushes refused.
    let refusals: Counter

    init(pluginID: String) {
        self.pluginID = pluginID
        refusals = Counter(label: "perigee.plugin.refusals", dimensions: [("plugin", pluginID)])
    }

    /// Counts one run of a handler and the time it took, waiting included.
    func ran(kind: String, outcome: String, took: Duration) {
        let dimensions = [("plugin", pluginID), ("kind", kind)]
        Counter(label: "perigee.plugin.runs", dimensions: dimensions + [("outcome", outcome)]).increment()
        let (seconds, attoseconds) = took.components
        Timer(label: "perigee.plugin.run.seconds", dimensions: dimensions)
            .recordNanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }

    /// Shows figures that are read now and then.
    func record(_ statistics: PluginStatistics) {
        let dimensions = [("plugin", pluginID)]
        Gauge(label: "perigee.plugin.heap.bytes", dimensions: dimensions).record(statistics.heapBytes)
        Gauge(label: "perigee.plugin.heap.peak.bytes", dimensions: dimensions)
            .record(statistics.heapPeakBytes)
        Gauge(label: "perigee.plugin.wait.seconds", dimensions: dimensions)
            .record(Double(statistics.waitNanoseconds) / 1e9)
        Gauge(label: "perigee.plugin.thread.wait.seconds", dimensions: dimensions)
            .record(Double(statistics.threadWaitNanoseconds) / 1e9)
        Gauge(label: "perigee.plugin.thread.queued", dimensions: dimensions).record(statistics.threadQueue)
        Gauge(label: "perigee.plugin.log.dropped", dimensions: dimensions).record(statistics.logLinesDropped)
        Gauge(label: "perigee.plugin.cpu.seconds", dimensions: dimensions)
            .record(Double(statistics.cpuNanoseconds) / 1e9)
        Gauge(label: "perigee.plugin.queued", dimensions: dimensions).record(statistics.queued)
        Gauge(label: "perigee.plugin.dropped", dimensions: dimensions).record(statistics.dropped)
    }
}
