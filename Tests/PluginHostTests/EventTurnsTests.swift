import ClusterServices
import Portable
import Synchronization
import Testing

@testable import PluginHost

@Suite struct EventTurnsTests {
    private func event(
        _ number: Int64, _ repository: RepositoryID?, key: String = "repo:refs_changed"
    ) -> Event {
        Event(key: key, payload: ["n": .integer(number)], repository: repository, id: "\(number)")
    }

    /// Handles one event that does not end before the gate opens, so that all others wait.
    private final class Gate: Sendable {
        private let state = Mutex<(isOpen: Bool, waiter: CheckedContinuation<Void, Never>?)>((false, nil))

        func wait() async {
            await withCheckedContinuation { continuation in
                let isOpen = state.withLock { state in
                    if !state.isOpen { state.waiter = continuation }
                    return state.isOpen
                }
                if isOpen { continuation.resume() }
            }
        }

        func open() {
            let waiter = state.withLock { state in
                state.isOpen = true
                return state.waiter
            }
            waiter?.resume()
        }
    }

    private final class Handled: Sendable {
        private let state = Mutex<[PortableValue]>([])
        var payloads: [PortableValue] { state.withLock { $0 } }
        func add(_ payload: PortableValue) { state.withLock { $0.append(payload) } }
    }

    private func hold(_ turns: EventTurns, _ started: Gate, _ gate: Gate) async throws {
        try await turns.handle(event(0, 1)) { _ in
            started.open()
            await gate.wait()
        }
    }

    private func waitUntil(_ condition: () -> Bool) async {
        while !condition() { await Task.yield() }
    }

    @Test func `a full queue lets a later event of the same repository stand in for the oldest`() async throws
    {
        let turns = EventTurns(pluginID: "x", waitingMax: 3)
        let (started, gate) = (Gate(), Gate())
        let handled = Handled()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await hold(turns, started, gate) }
            await started.wait()
            let order: [(Int64, RepositoryID?)] = [(1, 1), (2, 2), (3, 1), (4, nil), (5, 2)]
            for (index, (number, repository)) in order.enumerated() {
                group.addTask {
                    try await turns.handle(event(number, repository)) { event in
                        handled.add(event.payload)
                    }
                }
                await waitUntil { turns.waitingCount + Int(turns.coalescedCount) == index + 1 }
            }
            #expect(turns.coalescedCount == 2)
            gate.open()
            try await group.waitForAll()
        }
        #expect(
            handled.payloads == [["n": 3, "coalesced": 1], ["n": 4], ["n": 5, "coalesced": 1]])
    }

    @Test func `a publisher whose event another stood in for hears how that one went`() async {
        let turns = EventTurns(pluginID: "x", waitingMax: 1)
        let (started, gate) = (Gate(), Gate())
        struct Failed: Error {}
        async let first: Void = hold(turns, started, gate)
        await started.wait()
        let older = Task { try await turns.handle(event(1, 1)) { _ in } }
        await waitUntil { turns.waitingCount == 1 }
        let later = Task { try await turns.handle(event(2, 1)) { _ in throw Failed() } }
        await waitUntil { turns.coalescedCount == 1 }
        gate.open()
        await #expect(throws: Failed.self) { try await older.value }
        await #expect(throws: Failed.self) { try await later.value }
        _ = try? await first
    }

    @Test func `closing fails what waits and nothing that runs`() async throws {
        let turns = EventTurns(pluginID: "x", waitingMax: 10)
        let (started, gate) = (Gate(), Gate())
        let running = Task { try await hold(turns, started, gate) }
        await started.wait()
        let waiting = Task { try await turns.handle(event(1, 1)) { _ in } }
        await waitUntil { turns.waitingCount == 1 }
        turns.close()
        gate.open()
        try await running.value
        await #expect(throws: PluginHostError.stopped(id: "x")) { try await waiting.value }
        await #expect(throws: PluginHostError.stopped(id: "x")) {
            try await turns.handle(event(2, 1)) { _ in }
        }
    }
}
