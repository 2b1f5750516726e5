/// One series, or the series of one histogram: what a family has for one set of labels.
protocol PrometheusMetric: AnyObject, Sendable {
    /// Appends the sample lines.
    func append(name: String, labels: String, to text: inout String)
}

/// What a family of metrics is, in Prometheus' words.
enum PrometheusKind: String, Sendable {
    case counter
    case gauge
    case histogram
}

/// Appends `name{labels} value`.
func appendSample(_ name: String, _ labels: String, _ value: String, to text: inout String) {
    text += labels.isEmpty ? "\(name) \(value)\n" : "\(name){\(labels)} \(value)\n"
}
