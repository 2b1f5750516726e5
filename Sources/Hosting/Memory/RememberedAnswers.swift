internal import Synchronization

/// What the database has said to questions of one kind, for a minute: to be said again while it does not
/// answer.
final class RememberedAnswers<Question: Hashable & Sendable, Answer: Sendable>: Sendable {
    /// What was said, and how long ago.
    struct Remembered {
        let answer: Answer
        let age: Duration
    }

    private struct State {
        var answers: [Question: (answer: Answer, since: ContinuousClock.Instant)] = [:]
        /// Grows with each ``forgetAll()``: who asked before that must not be remembered after it.
        var generation = 0
    }

    private let lifetime: Duration
    private let countMax: Int
    private let state = Mutex(State())

    /// - Parameter lifetime: How old an answer may become; this is how long a right that was taken away on
    ///   another node may still be used here while the database is away.
    init(lifetime: Duration = .seconds(60), countMax: Int = 10_000) {
        self.lifetime = lifetime
        self.countMax = countMax
    }

    /// To be read before the database is asked.
    var generation: Int { state.withLock { $0.generation } }

    /// What was said within the lifetime.
    func recall(_ question: Question) -> Remembered? {
        let now = ContinuousClock.now
        return state.withLock { state in
            guard let known = state.answers[question] else { return nil }
            let age = known.since.duration(to: now)
            return age < lifetime ? Remembered(answer: known.answer, age: age) : nil
        }
    }

    /// Remembers an answer.
    /// - Parameter answer: `nil` where there is nothing to be remembered, which also forgets what was said.
    func note(_ question: Question, _ answer: Answer?, generation: Int) {
        let now = ContinuousClock.now
        state.withLock { state in
            guard state.generation == generation else { return }
            if state.answers.count >= countMax, state.answers[question] == nil {
                state.answers = state.answers.filter { $0.value.since.duration(to: now) < lifetime }
                if state.answers.count >= countMax { state.answers = [:] }
            }
            state.answers[question] = answer.map { ($0, now) }
        }
    }

    /// Something has changed that answers may depend on.
    func forgetAll() {
        state.withLock { state in
            state.generation &+= 1
            state.answers = [:]
        }
    }
}
