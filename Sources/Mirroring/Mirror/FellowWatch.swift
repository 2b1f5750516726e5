/// What a node that the upstream does not answer makes of what its fellows say: whether somebody may go on
/// without it.
package struct FellowWatch: Sendable {
    /// What came of asking a fellow.
    package enum Answer: Sendable, Hashable {
        /// It is there, and the upstream has answered it so long ago; nil when it does not say.
        case silence(Duration?)
        /// Its machine says that it does not run.
        case gone
        /// Nothing was heard of it.
        case nothing
    }

    /// Why a node must no longer serve.
    package enum Reason: Sendable, Hashable {
        /// The upstream answers this fellow.
        case goesOn(fellow: String)
        /// This fellow may be answered; nobody can tell.
        case unknown(fellow: String)
    }

    /// From here on the fellows are asked. A question is answered after ``MirrorLinks/waitMax`` at the
    /// latest, and the others go on without this node when its lease is over: at worst counted from the
    /// question before, so long earlier.
    package static let silenceMax = Duration.seconds(4)
    /// So long fellows have for an answer.
    package static let answerMax = Duration.seconds(1.5)
    /// From here on it counts when nothing is heard of a fellow: asked once more, this node still leaves
    /// before its lease is over.
    package static let patience = Duration.seconds(5.5)
    /// So long what was heard of the fellows holds.
    package static let validity = Duration.seconds(8)
    /// Who was answered so much later than this node is still in touch; two that lost the upstream at the
    /// same moment were answered at times that differ by less.
    package static let margin = MirrorLinks.waitMax + .seconds(2)
    /// Who was not answered for so long is not in touch.
    package static let cutOffMin = MirrorLinks.waitMax + .seconds(1)

    /// Fellows that have said that the upstream does not answer them either: who is not heard of after that
    /// has ended, as it takes two faults at once to bring it, and not this node, back to the upstream.
    private var cutOff: Set<String> = []

    /// Nothing was heard yet.
    package init() {}

    /// - Parameter answers: By the fellows' ids.
    /// - Parameter before: How long the upstream had not answered when they were asked.
    /// - Parameter after: Likewise, when they had answered.
    /// - Returns: nil while this node may serve.
    package mutating func reasonToLeave(
        _ answers: [String: Answer], before: Duration, after: Duration
    ) -> Reason? {
        for (id, answer) in answers {
            guard case .silence(let silence) = answer else { continue }
            if let silence, silence + Self.margin < before { return .goesOn(fellow: id) }
            if silence ?? Self.cutOffMin >= Self.cutOffMin { cutOff.insert(id) }
        }
        guard after > Self.patience else { return nil }
        let unknown = answers.keys.filter { answers[$0] == .nothing && !cutOff.contains($0) }.min()
        return unknown.map { .unknown(fellow: $0) }
    }
}
