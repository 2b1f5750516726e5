import Synchronization

/// Lets one task sleep until a time or until somebody wakes it.
final class WakeUp: Sendable {
    fileprivate struct State {
        var isRung = false
        var sleeper: (number: Int, continuation: CheckedContinuation<Void, Never>)?
        var lastNumber = 0
    }

    private let state = Mutex(State())

    /// Ends the sleep, or the next one where nobody sleeps.
    func ring() {
        state.withLock { state in
            state.isRung = true
            return state.take(nil)
        }?.resume()
    }

    /// Sleeps that long, until it is woken, or until the task is cancelled. For one task at a time.
    func sleep(for duration: Duration) async {
        let number = state.withLock { state in
            state.lastNumber += 1
            return state.lastNumber
        }
        let alarm = Task {
            try? await Task.sleep(for: duration)
            end(number)
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if !state.isRung, !Task.isCancelled { state.sleeper = (number, continuation) }
                    return state.sleeper == nil
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            end(number)
        }
        alarm.cancel()
        state.withLock { $0.isRung = false }
    }

    private func end(_ number: Int) {
        state.withLock { $0.take(number) }?.resume()
    }
}

extension WakeUp.State {
    mutating func take(_ number: Int?) -> CheckedContinuation<Void, Never>? {
        guard let sleeper, number == nil || sleeper.number == number else { return nil }
        self.sleeper = nil
        return sleeper.continuation
    }
}
