internal import Synchronization

/// The guards of all pushes, in the order in which they were added.
final class GuardList: Sendable {
    private let guards = Mutex<[any PushGuard]>([])

    /// Adds one at the end.
    func add(_ pushGuard: any PushGuard) { guards.withLock { $0.append(pushGuard) } }

    /// Asks each until one refuses.
    func judge(_ push: ProposedPush) async -> PushVerdict {
        for pushGuard in guards.withLock({ $0 }) {
            let verdict = await pushGuard.judge(push)
            if verdict != .accept { return verdict }
        }
        return .accept
    }
}
