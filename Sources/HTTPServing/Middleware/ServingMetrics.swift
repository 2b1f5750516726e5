import Metrics

/// The figures that the server keeps of its requests.
enum ServingMetrics {
    private static let methods: Set<String> = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]

    /// Counts one answer.
    /// - Parameter method: Any text; what is not a common method is counted as `other`, so that clients
    ///   cannot make
    ///   up time series.
    static func count(method: String, status: Int) {
        let label = methods.contains(method) ? method : "other"
        Counter(
            label: "http_requests_total", dimensions: [("method", label), ("status", "\(status / 100)xx")]
        )
        .increment()
    }

    /// Records how long an answer took, in seconds.
    static func record(method: String, duration: Duration) {
        let label = methods.contains(method) ? method : "other"
        let (seconds, attoseconds) = duration.components
        Timer(label: "http_request_duration_seconds", dimensions: [("method", label)])
            .recordNanoseconds(seconds &* 1_000_000_000 &+ attoseconds / 1_000_000_000)
    }

    /// Shows how many requests are in progress.
    static func inFlight(_ count: Int) {
        Gauge(label: "http_requests_in_flight").record(count)
    }
}
