import Glibc

/// When the threads in the background rest, since others want the processors.
///
/// Priority alone does not let others go first: systems weigh it among the threads of one session or
/// service, and git's processes, like clients on the same machine, are in others. So a thread in the
/// background looks whether threads wait for a processor, itself or others. If so, all of them rest, longer
/// each time, and then one at a time has a turn and looks again.
struct Courtesy {
    /// What one thread saw.
    struct Visit {
        let took: Duration
        /// How much of that it waited for a processor itself.
        let waited: Duration
        /// The most threads of the machine that were ready to run, this one among them.
        let ready: Int
    }

    /// The first rest; a shorter one is none.
    static let restMin = Duration.milliseconds(50)
    /// A thread has not seen enough before.
    static let visitMin = Duration.milliseconds(5)
    /// The part of its time that a thread may wait for a processor before that shows others: a tenth.
    private static let waitDivisor = 10

    /// The longest rest: a slice of 10 ms after each is at most a tenth of a processor.
    let restMax: Duration
    private let processors: Int
    private(set) var rest = Duration.zero
    private var until: ContinuousClock.Instant?
    private var changed: ContinuousClock.Instant?

    init(processors: Int = max(1, sysconf(CInt(_SC_NPROCESSORS_ONLN)))) {
        self.processors = processors
        restMax = min(max(.milliseconds(200) / processors, Self.restMin), .milliseconds(100))
    }

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
    mutating func end(_ visit: Visit, now: ContinuousClock.Instant) {
        let isCrowded = visit.ready > processors || visit.waited * Self.waitDivisor > visit.took
        // Who began before the last change saw what that change was for.
        if let changed, changed > now - visit.took, isCrowded { return }
        if isCrowded {
            rest = min(max(rest * 2, Self.restMin), restMax)
        } else {
            rest = rest * 3 / 4
            if rest < Self.restMin { rest = .zero }
        }
        changed = now
        until = rest > .zero ? now + rest : nil
    }
}
