package import Portable

/// Somebody who may refuse a change of refs before it happens.
package protocol PushGuard: Sendable {
    /// Accepts the change or refuses all of it; takes as long as it must, the client waits.
    func judge(_ push: ProposedPush) async -> PushVerdict
}

/// What a guard says.
package enum PushVerdict: Sendable, Hashable {
    /// Go on.
    case accept
    /// Nothing of it happens; the client reads the text.
    case refuse(text: String)
}

/// A change of refs that is about to happen.
package struct ProposedPush: Sendable {
    /// Names this change in logs and in the journal.
    package let id: PushID
    /// Where.
    package let repository: Repository
    /// Who.
    package let principal: Principal
    /// What; at least one.
    package let changes: [RefChange]
    /// How it came about.
    package let trigger: PushTrigger
    /// What the client passed with `--push-option`.
    package let pushOptions: [String]
    /// The folder in which the new objects wait; nil when they are in the repository already.
    package let quarantine: String?
}
