import Metrics

/// The metrics of executors; their labels are the names that the REST API and the command line show.
struct ExecutorMetrics: Sendable {
    /// How a run of a processor ended.
    func ended(_ settlement: Settlement, took: Duration) {
        let outcome =
            switch settlement.outcome {
            case .done: "ok"
            case .failed: "error"
            case .givenBack: "given_back"
            }
        let dimensions = dimensions(settlement.definition)
        Counter(label: "perigee.executor.runs", dimensions: dimensions + [("outcome", outcome)]).increment()
        let (seconds, attoseconds) = took.components
        Timer(label: "perigee.executor.run.seconds", dimensions: dimensions)
            .recordNanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }

    /// How many tasks are done, and how many became dead letters.
    func finished(_ settlement: Settlement, tasks: Int64, dead: Int64) {
        let dimensions = dimensions(settlement.definition)
        if tasks > 0 {
            Counter(label: "perigee.executor.tasks", dimensions: dimensions).increment(by: tasks)
        }
        if dead > 0 { Counter(label: "perigee.executor.dead", dimensions: dimensions).increment(by: dead) }
    }

    /// An end of a batch was not taken: its bucket belongs to somebody else.
    func refused(_ settlement: Settlement) {
        Counter(label: "perigee.executor.refused", dimensions: dimensions(settlement.definition)).increment()
    }

    /// Shows figures that are read now and then; those of the cluster, the same on each node.
    func record(_ overviews: [ExecutorOverview]) {
        for overview in overviews {
            let dimensions = [("namespace", overview.namespace), ("executor", overview.name)]
            Gauge(label: "perigee.executor.waiting", dimensions: dimensions).record(overview.waiting)
            Gauge(label: "perigee.executor.delayed", dimensions: dimensions).record(overview.delayed)
            Gauge(label: "perigee.executor.dead.letters", dimensions: dimensions).record(overview.dead)
            Gauge(label: "perigee.executor.oldest.seconds", dimensions: dimensions)
                .record(Double(overview.oldestAge ?? 0) / 1000)
        }
    }

    private func dimensions(_ definition: ExecutorSlot.Definition) -> [(String, String)] {
        [("namespace", definition.namespace), ("executor", definition.name)]
    }
}
