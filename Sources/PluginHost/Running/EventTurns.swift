import ClusterServices
import Portable
import Synchronization

/// A plugin's queue of events: handled one after another, in the order they came, each in its publisher's
/// task.
///
/// A publisher waits until its event was handled. When more wait than the queue should hold, the oldest that
/// has a later one of the same repository and key is not handled by itself: the later one stands in for it,
/// its payload says how many it stands for (`coalesced`), and the older one's publisher waits for that one
/// instead.
final class EventTurns: Sendable {
    private enum Turn: Sendable {
        case run(Ticket)
        case stoodIn(Result<Void, any Error>)
        case closed
    }

    private struct Ticket: Sendable {
        let event: Event
        var continuations: [CheckedContinuation<Turn, Never>]
        var coalesced: Int64 = 0

        /// The event, with the number of those that it stands in for.
        var merged: Event {
            guard coalesced > 0, case .map(var payload) = event.payload else { return event }
            payload["coalesced"] = .integer(coalesced)
            return Event(key: event.key, payload: .map(payload), repository: event.repository, id: event.id)
        }
    }

    private struct State {
        var isRunning = false
        var isClosed = false
        var waiting: [Ticket] = []
        var coalesced: Int64 = 0
    }

    private let state = Mutex(State())
    private let pluginID: String
    private let waitingMax: Int

    init(pluginID: String, waitingMax: Int) {
        self.pluginID = pluginID
        self.waitingMax = waitingMax
    }

    /// Events that wait now.
    var waitingCount: Int { state.withLock { $0.waiting.count } }

    /// Events that a later one stood in for, so far.
    var coalescedCount: Int64 { state.withLock { $0.coalesced } }

    /// Waits for the event's turn and runs `body`; returns when the event was handled.
    /// - Throws: What `body` threw, or ``PluginHostError/stopped(id:)`` when the queue was closed before.
    func handle(_ event: Event, _ body: (Event) async throws -> Void) async throws {
        switch await turn(for: event) {
        case .closed: throw PluginHostError.stopped(id: pluginID)
        case .stoodIn(let result): try result.get()
        case .run(let ticket):
            let result: Result<Void, any Error>
            do {
                result = .success(try await body(ticket.merged))
            } catch {
                result = .failure(error)
            }
            for follower in ticket.continuations { follower.resume(returning: .stoodIn(result)) }
            startNext()
            try result.get()
        }
    }

    /// Ends the queue: what waits throws ``PluginHostError/stopped(id:)``; what runs goes on to its end.
    func close() {
        let waiting = state.withLock { state in
            state.isClosed = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting.flatMap(\.continuations) { continuation.resume(returning: .closed) }
    }

    private func turn(for event: Event) async -> Turn {
        await withCheckedContinuation { continuation in
            let atOnce: Turn? = state.withLock { state in
                if state.isClosed { return .closed }
                if !state.isRunning {
                    state.isRunning = true
                    return .run(Ticket(event: event, continuations: []))
                }
                state.waiting.append(Ticket(event: event, continuations: [continuation]))
                if state.waiting.count > waitingMax { Self.coalesceOldest(&state) }
                return nil
            }
            if let atOnce { continuation.resume(returning: atOnce) }
        }
    }

    private func startNext() {
        let next: (CheckedContinuation<Turn, Never>, Ticket)? = state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.isRunning = false
                return nil
            }
            var ticket = state.waiting.removeFirst()
            let runner = ticket.continuations.removeLast()
            return (runner, ticket)
        }
        if let (runner, ticket) = next { runner.resume(returning: .run(ticket)) }
    }

    private static func coalesceOldest(_ state: inout State) {
        var later: [Place: Int] = [:]
        var found: (older: Int, later: Int)?
        for index in state.waiting.indices.reversed() {
            guard let place = Place(state.waiting[index].event) else { continue }
            if let after = later[place] { found = (index, after) }
            later[place] = index
        }
        guard let found else { return }
        let older = state.waiting[found.older]
        // The last continuation is the one that will run the event; the others wait for its result.
        state.waiting[found.later].continuations.insert(contentsOf: older.continuations, at: 0)
        state.waiting[found.later].coalesced += 1 + older.coalesced
        state.waiting.remove(at: found.older)
        state.coalesced += 1
    }

    private struct Place: Hashable {
        let key: String
        let repository: RepositoryID

        init?(_ event: Event) {
            guard let repository = event.repository else { return nil }
            self.repository = repository
            key = event.key
        }
    }
}
