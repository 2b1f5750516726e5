internal import CoreMetrics
internal import GitStore
internal import Hosting
internal import Metrics

/// What a mirror's node counts of its fetches.
enum SyncFigures {
    /// A fetch is over.
    static func record(_ run: SyncBacklog.Run, isDone: Bool) {
        Counter(label: "perigee.mirror.fetches", dimensions: [("outcome", isDone ? "done" : "failed")])
            .increment()
        guard isDone else { return }
        Timer(label: "perigee.mirror.fetch", dimensions: []).recordNanoseconds(
            (.now - run.began).nanosecondsClamped)
    }

    /// Why one has failed.
    static func record(_ error: any Error) {
        Counter(label: "perigee.mirror.fetch.failures", dimensions: [("reason", reason(error))]).increment()
    }

    /// A word for people who look at many failures at once.
    private static func reason(_ error: any Error) -> String {
        switch error {
        case let error as PeerError: error.code
        case let error as SSHFailure: error.kind.rawValue
        case HostingError.diskFull: "disk_full"
        case HostingError.conflict: "conflict"
        default: "other"
        }
    }
}

extension Duration {
    /// In nanoseconds, as far as the number reaches.
    var nanosecondsClamped: Int64 {
        let (seconds, attoseconds) = components
        let (whole, isOver) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return isOver ? .max : whole + attoseconds / 1_000_000_000
    }
}

extension Mirroring {
    /// How a change came through to a mirror, as the upstream counts it.
    package enum DeliveryOutcome: String, Sendable {
        /// All nodes that were waited for show it.
        case done
        /// A node was waited for in vain.
        case behind
        /// No node was there; the mirror compares everything when it is back.
        case away
        /// It could not be written down, or the mirror is no more.
        case failed
    }

    /// Notes the end of a delivery.
    /// - Parameter since: When the oldest of the changes was acknowledged, in milliseconds since 1970, by
    ///   this node's clock; nil where nobody knows.
    package func noteDelivery(_ outcome: DeliveryOutcome, to mirror: MirrorID, since: Int64?) {
        let label = ("mirror", mirror.rawValue)
        Counter(
            label: "perigee.mirror.deliveries", dimensions: [label, ("outcome", outcome.rawValue)]
        ).increment()
        guard let since, outcome == .done || outcome == .behind else { return }
        let (lag, isOver) = max(0, Clock.now - since).multipliedReportingOverflow(by: 1_000_000)
        Timer(label: "perigee.mirror.lag", dimensions: [label]).recordNanoseconds(isOver ? .max : lag)
    }

    /// Brings the figures up to date that are looked at and not counted: of the nodes of each mirror on an
    /// upstream, of itself on a mirror.
    package func recordMetrics() async {
        if let follower { return await follower.recordMetrics() }
        guard let figures = try? await links.figures() else { return }
        for figure in figures {
            let node = [("mirror", figure.mirror), ("node", figure.name)]
            Gauge(label: "perigee.mirror.node.up", dimensions: node).record(figure.isServing ? 1 : 0)
            Gauge(label: "perigee.mirror.node.waiting", dimensions: node).record(figure.waiting)
            Gauge(label: "perigee.mirror.node.behind.seconds", dimensions: node)
                .record(Double(figure.behindMilliseconds) / 1000)
            Gauge(label: "perigee.mirror.node.silence.seconds", dimensions: node)
                .record(Double(figure.silenceMilliseconds) / 1000)
            Gauge(label: "perigee.mirror.node.clock.seconds", dimensions: node)
                .record(Double(figure.clockMilliseconds) / 1000)
        }
    }
}

extension MirrorFollower {
    fileprivate func recordMetrics() async {
        let depth = backlog.depth
        Gauge(label: "perigee.mirror.waiting").record(depth.count)
        Gauge(label: "perigee.mirror.behind.seconds").record(depth.oldest / .seconds(1))
        Gauge(label: "perigee.mirror.fetching").record(backlog.running.count)
        Gauge(label: "perigee.mirror.connected").record(status.isConnected ? 1 : 0)
        if let offset = status.clockOffset {
            Gauge(label: "perigee.mirror.clock.seconds").record(Double(offset) / 1000)
        }
        if let progress = try? await progress() {
            Gauge(label: "perigee.mirror.repositories").record(progress.total)
            Gauge(label: "perigee.mirror.repositories.available").record(progress.synced)
        }
        if let late = try? await outOfSync(longerThan: settings.syncTolerance) {
            Gauge(label: "perigee.mirror.repositories.out.of.sync").record(late.count)
        }
    }
}
