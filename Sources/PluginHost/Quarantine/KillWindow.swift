/// The runs of one plugin that were ended for exceeding a limit, within the last while.
struct KillWindow: Sendable {
    /// So many are one too many; 0 for never.
    let killsMax: Int
    let length: Duration
    private var kills: [(reason: String, instant: ContinuousClock.Instant)] = []

    init(killsMax: Int, length: Duration) {
        self.killsMax = killsMax
        self.length = length
    }

    /// Adds one.
    /// - Returns: Why the plugin is to be stopped; `nil` while it may go on.
    mutating func add(_ reason: String, detail: String, now: ContinuousClock.Instant) -> String? {
        guard killsMax > 0 else { return nil }
        kills.removeAll { $0.instant.duration(to: now) > length }
        kills.append((reason, now))
        guard kills.count >= killsMax else { return nil }
        let counts = Dictionary(grouping: kills, by: \.reason).mapValues(\.count).sorted { $0.key < $1.key }
        let list = counts.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
        let runs = kills.count == 1 ? "1 run was" : "\(kills.count) runs were"
        return "\(runs) ended within \(DurationText.text(length)) (\(list)); the last one \(detail)"
    }

    /// Begins anew, after a release.
    mutating func clear() { kills = [] }
}
