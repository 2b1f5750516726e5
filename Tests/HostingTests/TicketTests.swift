import Hosting
import NodeTestKit
import Testing

/// Lets a test hold tasks until it says so.
private final class Gate: Sendable {
    private let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() { (stream, continuation) = AsyncStream.makeStream() }

    func open() { continuation.finish() }

    func wait() async { for await _ in stream {} }
}

@Suite struct Tickets {
    private func untilWaiting(_ count: Int, _ tickets: HostingTickets) async throws {
        try await waitUntil("\(count) that wait for a ticket") { tickets.usage.waiting == count }
    }

    private func untilRunning(_ count: Int, _ tickets: HostingTickets) async throws {
        try await waitUntil("\(count) with a ticket") { tickets.usage.running == count }
    }

    @Test func noMoreRunThanMayAndTheOthersComeInOrder() async throws {
        let tickets = HostingTickets(limit: 1, queueMax: 10, timeout: .seconds(60))
        let gate = Gate()
        let order = Shared<[Int]>([])
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await tickets.withTicket(.hosting) { await gate.wait() } }
            try await untilRunning(1, tickets)
            for number in 1...5 {
                group.addTask {
                    try await tickets.withTicket(.hosting) { order.withLock { $0.append(number) } }
                }
                try await untilWaiting(number, tickets)
            }
            #expect(tickets.usage == (running: 1, waiting: 5))
            gate.open()
            try await group.waitForAll()
        }
        #expect(order.withLock { $0 } == [1, 2, 3, 4, 5])
        #expect(tickets.usage == (running: 0, waiting: 0))
    }

    @Test func whenTheQueueIsFullTheNextIsToldToComeBack() async throws {
        let tickets = HostingTickets(limit: 1, queueMax: 1, timeout: .seconds(60))
        let gate = Gate()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await tickets.withTicket(.hosting) { await gate.wait() } }
            try await untilRunning(1, tickets)
            group.addTask { try await tickets.withTicket(.hosting) {} }
            try await untilWaiting(1, tickets)
            await #expect(throws: HostingError.busy(retryAfter: .seconds(10))) {
                try await tickets.withTicket(.hosting) {}
            }
            gate.open()
            try await group.waitForAll()
        }
        try await tickets.withTicket(.hosting) {}
    }

    @Test func whoWaitsTooLongIsToldToComeBack() async throws {
        let tickets = HostingTickets(limit: 1, queueMax: 1, timeout: .milliseconds(10))
        let gate = Gate()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await tickets.withTicket(.hosting) { await gate.wait() } }
            try await untilRunning(1, tickets)
            await #expect(throws: HostingError.busy(retryAfter: .seconds(10))) {
                try await tickets.withTicket(.hosting) {}
            }
            #expect(tickets.usage.waiting == 0)
            gate.open()
            try await group.waitForAll()
        }
    }

    @Test func aTaskThatIsCancelledLeavesTheQueueAndTakesNoTurn() async throws {
        let tickets = HostingTickets(limit: 1, queueMax: 10, timeout: .seconds(60))
        let gate = Gate()
        let ran = Shared(false)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await tickets.withTicket(.hosting) { await gate.wait() } }
            try await untilRunning(1, tickets)
            let waiting = Task { try await tickets.withTicket(.hosting) { ran.withLock { $0 = true } } }
            try await untilWaiting(1, tickets)
            waiting.cancel()
            await #expect(throws: CancellationError.self) { try await waiting.value }
            #expect(tickets.usage.waiting == 0)
            gate.open()
            try await group.waitForAll()
        }
        #expect(!ran.withLock { $0 } && tickets.usage.running == 0)
    }

    @Test func aThrowingBodyGivesItsTicketBack() async throws {
        struct Failure: Error {}
        let tickets = HostingTickets(limit: 1, queueMax: 0, timeout: .seconds(1))
        for _ in 0..<3 {
            await #expect(throws: Failure.self) { try await tickets.withTicket(.hosting) { throw Failure() } }
        }
        #expect(tickets.usage.running == 0)
    }

    @Test func manyTasksWithRandomCancellationLeaveNothingBehind() async throws {
        let tickets = HostingTickets(limit: 3, queueMax: 1000, timeout: .seconds(60))
        let most = Shared((now: 0, max: 0))
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<300 {
                group.addTask {
                    let task = Task {
                        try await tickets.withTicket(.hosting) {
                            most.withLock { ($0.now, $0.max) = ($0.now + 1, max($0.max, $0.now + 1)) }
                            for _ in 0..<10 { await Task.yield() }
                            most.withLock { $0.now -= 1 }
                        }
                    }
                    if number.isMultiple(of: 3) { task.cancel() }
                    _ = await task.result
                }
            }
        }
        #expect(most.withLock { $0.max } <= 3)
        #expect(tickets.usage == (running: 0, waiting: 0))
    }
}
