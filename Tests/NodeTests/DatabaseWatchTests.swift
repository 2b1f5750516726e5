import Logging
import NodeTestKit
import RESTAPI
import Synchronization
import Testing

@testable import Node

@Suite struct DatabaseWatchTests {
    private struct Away: Error {}

    /// A database whose answers the test chooses.
    private final class Answers: Sendable {
        private struct State {
            var isAway = false
            var isHanging = false
            var waiting: [CheckedContinuation<Void, Never>] = []
        }
        private let state = Mutex(State())
        let asked = Atomic<Int>(0)

        func refuse(_ isAway: Bool) { state.withLock { $0.isAway = isAway } }

        func hang(_ isHanging: Bool) {
            let waiting = state.withLock { state in
                defer { state.waiting = [] }
                state.isHanging = isHanging
                return state.waiting
            }
            for continuation in waiting { continuation.resume() }
        }

        func answer() async throws {
            asked.wrappingAdd(1, ordering: .relaxed)
            await withCheckedContinuation { continuation in
                let isHanging = state.withLock { state in
                    if state.isHanging { state.waiting.append(continuation) }
                    return state.isHanging
                }
                if !isHanging { continuation.resume() }
            }
            if state.withLock({ $0.isAway }) { throw Away() }
        }
    }

    @Test(arguments: [false, true])
    func `a database that refuses, or does not answer, is an error until it does again`(
        hangs: Bool
    )
        async throws
    {
        let (answers, status) = (Answers(), NodeStatus())
        status.serve()
        let watch = watch(answers, status)
        watch.start()
        try await waitUntil("a question") { answers.asked.load(ordering: .relaxed) > 0 }
        #expect(status.state == .running)
        if hangs { answers.hang(true) } else { answers.refuse(true) }
        try await waitUntil("ERROR") { status.state == .error }
        #expect(status.isServing)
        answers.refuse(false)
        answers.hang(false)
        try await waitUntil("RUNNING") { status.state == .running }
        watch.stop()
    }

    @Test func `a question that hangs is the only one, and does not hold up the end`() async throws {
        let (answers, status) = (Answers(), NodeStatus())
        status.serve()
        answers.hang(true)
        let watch = watch(answers, status)
        watch.start()
        try await waitUntil("ERROR") { status.state == .error }
        #expect(answers.asked.load(ordering: .relaxed) == 1)
        watch.stop()
        answers.hang(false)
    }

    private func watch(_ answers: Answers, _ status: NodeStatus) -> DatabaseWatch {
        DatabaseWatch(interval: .milliseconds(20), status: status, logger: Logger(label: "test")) {
            try await answers.answer()
        }
    }
}
