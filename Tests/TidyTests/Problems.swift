import Testing

/// Fails the running test once, with every problem on a line of its own.
func expectNone(_ problems: [String], sourceLocation: SourceLocation = #_sourceLocation) {
    guard !problems.isEmpty else { return }
    let shown = problems.prefix(60).joined(separator: "\n")
    let more = problems.count > 60 ? "\n... and \(problems.count - 60) more" : ""
    Issue.record("\(problems.count) problems:\n\(shown)\(more)", sourceLocation: sourceLocation)
}
