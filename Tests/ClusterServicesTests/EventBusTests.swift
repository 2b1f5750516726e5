import ClusterServices
import Portable
import Synchronization
import Testing

@Suite struct EventBusTests {
    private struct Failure: Error {}

    private func event(_ id: String, key: String = "a") -> Event {
        Event(key: key, payload: ["n": 1], repository: RepositoryID(3), id: id)
    }

    @Test func `subscribers of the key and of every key get the event, others do not`() async throws {
        let bus = EventBus()
        let record = Record()
        for key in ["a", "*", "b"] {
            _ = try await bus.subscribe([key], name: key) { event in
                let repository = event.repository?.rawValue ?? 0
                record.add("\(key) \(event.id) \(repository) \(event.payload["n"]?.integerValue ?? 0)")
            }
        }
        let delivery = await bus.publish(event("1")).delivery()
        #expect(delivery.delivered == 2)
        #expect(delivery.failures.isEmpty)
        #expect(record.all.sorted() == ["* 1 3 1", "a 1 3 1"])
    }

    @Test func `a subscriber that throws touches no other and is named`() async throws {
        let bus = EventBus()
        let record = Record()
        _ = try await bus.subscribe(["a"], name: "bad") { _ in throw Failure() }
        _ = try await bus.subscribe(["a"], name: "good") { record.add($0.id) }
        let delivery = await bus.publish(event("1")).delivery()
        #expect(delivery.delivered == 1)
        #expect(delivery.failures.map(\.name) == ["bad"])
        #expect(delivery.failures.first?.error is Failure)
        #expect(record.all == ["1"])
    }

    @Test func `while one subscriber hangs the others get this event and the next`() async throws {
        let bus = EventBus()
        let (gate, record) = (Gate(), Record())
        _ = try await bus.subscribe(["a"], name: "hanging") { _ in await gate.wait() }
        _ = try await bus.subscribe(["a"], name: "quick") { record.add($0.id) }
        let (first, second) = (bus.publish(event("1")), bus.publish(event("2")))
        await record.wait(for: 2)
        #expect(record.all == ["1", "2"])
        gate.open()
        #expect(await [first.delivery().delivered, second.delivery().delivered] == [2, 2])
    }

    @Test func `each subscriber gets events one at a time, and all in one order`() async throws {
        let bus = EventBus()
        let records = ["x": Record(), "y": Record()]
        for (name, record) in records {
            let running = Running()
            _ = try await bus.subscribe(["a"], name: name) { event in
                running.begin()
                await Task.yield()
                record.add(running.end() ? event.id : "overlap")
            }
        }
        await withTaskGroup(of: Void.self) { group in
            for id in 0..<200 { group.addTask { _ = await bus.publish(self.event(String(id))).delivery() } }
        }
        #expect(records["x"]?.all.count == 200 && records["x"]?.all.contains("overlap") == false)
        #expect(records["x"]?.all == records["y"]?.all)
    }

    @Test func `a handler may publish what it hears itself`() async throws {
        let bus = EventBus()
        let record = Record()
        _ = try await bus.subscribe(["a"], name: "nested") { event in
            record.add("begin " + event.id)
            if event.id == "1" { bus.publish(self.event("2")) }
            record.add("end " + event.id)
        }
        bus.publish(event("1"))
        await record.wait(for: 4)
        #expect(record.all == ["begin 1", "end 1", "begin 2", "end 2"])
    }

    @Test func `a publisher that is cancelled does not disturb its subscribers`() async throws {
        let bus = EventBus()
        let record = Record()
        _ = try await bus.subscribe(["a"], name: "x") { event in
            try Task.checkCancellation()
            record.add(event.id)
        }
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return await bus.publish(self.event("1")).delivery().delivered
        }
        #expect(await task.value == 1)
        #expect(record.all == ["1"])
    }

    @Test func `a sender that floods a subscriber is refused, and crowds out no other sender`() async throws {
        let bus = EventBus()
        let (gate, record) = (Gate(), Record())
        let subscription = try await bus.subscribe(["a"], name: "slow", queueMax: 10) { event in
            await gate.wait()
            record.add(event.id)
        }
        let flood = (0..<100).map { bus.publish(event("flood \($0)"), from: "one") }
        let other = (0..<3).map { bus.publish(event("other \($0)"), from: "two") }
        // One more is taken when the subscriber takes the first from the queue, whenever that is.
        #expect(flood.prefix(10).allSatisfy { !$0.isRefused })
        #expect((89...90).contains(flood.filter(\.isRefused).count))
        #expect(other.allSatisfy { !$0.isRefused })
        #expect((89...90).contains(subscription.droppedCount))
        gate.open()
        for receipt in other { #expect(await receipt.delivery().delivered == 1) }
        #expect(record.all.prefix(7).filter { $0.hasPrefix("other") } == ["other 0", "other 1", "other 2"])
    }

    @Test func `after cancelling nothing more arrives`() async throws {
        let bus = EventBus()
        let record = Record()
        let subscription = try await bus.subscribe(["a"], name: "x") { record.add($0.id) }
        _ = await bus.publish(event("1")).delivery()
        subscription.cancel()
        subscription.cancel()
        #expect(await bus.publish(event("2")).delivery().delivered == 0)
        #expect(record.all == ["1"])
        #expect(bus.subscriberCount == 0)
    }
}

/// What subscribers saw, in order.
final class Record: Sendable {
    private let entries = Mutex<[String]>([])
    private let (news, teller) = AsyncStream<Void>.makeStream()

    var all: [String] { entries.withLock { $0 } }

    /// An entry that is not kept.
    static let ignored = "ignored"

    func add(_ entry: String) {
        guard entry != Self.ignored else { return }
        entries.withLock { $0.append(entry) }
        teller.yield()
    }

    /// Returns once there are so many entries; for one waiter.
    func wait(for count: Int) async {
        guard all.count < count else { return }
        for await _ in news where all.count >= count { return }
    }
}

/// Lets all pass once it is open.
final class Gate: Sendable {
    private let (opening, opener) = AsyncStream<Void>.makeStream()

    func wait() async { for await _ in opening {} }

    func open() { opener.finish() }
}

private final class Running: Sendable {
    private let count = Mutex(0)

    func begin() { count.withLock { $0 += 1 } }

    /// - Returns: Whether it ran alone.
    func end() -> Bool {
        count.withLock { count in
            defer { count -= 1 }
            return count == 1
        }
    }
}
