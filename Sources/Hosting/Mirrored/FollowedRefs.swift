internal import GitStore
internal import Portable
internal import Synchronization

/// Wakes those who wait until this mirror shows a change.
final class FollowedRefs: Sendable {
    private struct State {
        /// How often refs have moved since the start.
        var moves: UInt64 = 0
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
        var lastWaiter: UInt64 = 0
    }

    private let state = Mutex(State())

    /// How often refs have moved so far.
    var moves: UInt64 { state.withLock { $0.moves } }

    /// Refs of a repository have moved.
    func note() {
        let woken = state.withLock { state in
            state.moves &+= 1
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for waiter in woken { waiter.resume() }
    }

    /// Returns when refs have moved since there were so many moves, or the task is cancelled.
    func wait(after moves: UInt64) async {
        let id = state.withLock { state in
            state.lastWaiter &+= 1
            return state.lastWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let mustWait = state.withLock { state in
                    guard state.moves == moves, !Task.isCancelled else { return false }
                    state.waiters[id] = continuation
                    return true
                }
                if !mustWait { continuation.resume() }
            }
        } onCancel: {
            let waiter = state.withLock { $0.waiters.removeValue(forKey: id) }
            waiter?.resume()
        }
    }
}

extension Refs {
    /// Waits until this mirror shows changes that the upstream has accepted.
    ///
    /// A change also counts as shown when its ref has gone on to something else than it was before.
    /// - Parameter time: After this nobody waits any longer.
    /// - Returns: Whether all of them are shown.
    package func areShown(
        _ changes: [RefChange], in repository: Repository, atMost time: Duration
    ) async -> Bool {
        let before = (try? await values(in: repository)) ?? [:]
        return await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                while !Task.isCancelled {
                    let moves = services.followed.moves
                    if let now = try? await values(in: repository),
                        changes.allSatisfy({ $0.isShown(now, before: before) })
                    {
                        return true
                    }
                    await services.followed.wait(after: moves)
                }
                return false
            }
            group.addTask {
                try? await Task.sleep(for: time)
                return false
            }
            let isShown = await group.next() ?? false
            group.cancelAll()
            return isShown
        }
    }

    private func values(in repository: Repository) async throws -> [RefName: ObjectID] {
        try await services.onDisk(repository) { git, path in
            try await git.mirroredRefs(in: path, pullRequests: true).refs
        }
    }
}

extension RefChange {
    fileprivate func isShown(_ now: [RefName: ObjectID], before: [RefName: ObjectID]) -> Bool {
        let value = now[ref] ?? .zero
        return value == to || (value != from && value != before[ref] ?? .zero)
    }
}
