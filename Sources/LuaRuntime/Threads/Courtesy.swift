/// When the threads in the background rest, since others want the processors.
///
/// Priority alone does not let others go first: systems weigh it among the threads of one session or
/// service, and git's processes, like clients on the same machine, are in others. So a thread in the
/// background looks how long it had to wait for a processor. If that was a good part of its time, all of
/// them rest, longer each time, and then one at a time looks whether it has become better.
struct Courtesy {
    /// The first rest; a shorter one is none.
    static let restMin = Duration.milliseconds(10)
    /// The longest: so much later all that runs in the background gets at least a slice.
    static let restMax = Duration.milliseconds(100)
    /// A thread has not seen enough before.
    static let visitMin = Duration.milliseconds(5)
    /// The part of its time that a thread may wait for a processor before that shows others: a tenth.
    private static let waitDivisor = 10

    private(set) var rest = Duration.zero
    private var until: ContinuousClock.Instant?
    private var changed: ContinuousClock.Instant?

    /// How long a thread is to wait before it begins a visit; nil for not at all.
    func pause(now: ContinuousClock.Instant) -> Duration? {
        guard let until, now < until else { return nil }
        return now.duration(to: until)
    }

    /// A thread begins; while times are bad no other does.
    mutating func begin(now: ContinuousClock.Instant) {
        if rest > .zero { until = now + rest }
    }

    /// A thread has seen enough.
    /// - Parameters:
    ///   - took: How long its visit was.
    ///   - waited: How much of that it waited for a processor.
    mutating func end(took: Duration, waited: Duration, now: ContinuousClock.Instant) {
        let isCrowded = waited * Self.waitDivisor > took
        // Who began before the last change saw what that change was for.
        if let changed, changed > now - took, isCrowded { return }
        if isCrowded {
            rest = min(max(rest * 2, Self.restMin), Self.restMax)
        } else {
            rest = rest * 3 / 4
            if rest < Self.restMin { rest = .zero }
        }
        changed = now
        until = rest > .zero ? now + rest : nil
    }
}
