import ClusterServices
import Portable
import Synchronization
import Testing

@Suite struct EventBusTests {
    private struct Failure: Error {}

    /// What subscribers saw, in order.
    private final class Record: Sendable {
        private let entries = Mutex<[String]>([])
        var all: [String] { entries.withLock { $0 } }
        func add(_ entry: String) { entries.withLock { $0.append(entry) } }
    }

    private func event(_ id: String, key: String = "a") -> Event {
        Event(key: key, payload: ["n": 1], repository: RepositoryID(3), id: id)
    }

    @Test func `subscribers of the key and of every key get the event, others do not`() async {
        let bus = EventBus()
        let record = Record()
        for key in ["a", "*", "b"] {
            _ = bus.subscribe(key, name: key) { event in
                let repository = event.repository?.rawValue ?? 0
                record.add("\(key) \(event.id) \(repository) \(event.payload["n"]?.integerValue ?? 0)")
            }
        }
        let delivery = await bus.publish(event("1"))
        #expect(delivery.delivered == 2)
        #expect(delivery.failures.isEmpty)
        #expect(record.all.sorted() == ["* 1 3 1", "a 1 3 1"])
    }

    @Test func `a subscriber that throws touches no other and is named`() async {
        let bus = EventBus()
        let record = Record()
        _ = bus.subscribe("a", name: "bad") { _ in throw Failure() }
        _ = bus.subscribe("a", name: "good") { record.add($0.id) }
        let delivery = await bus.publish(event("1"))
        #expect(delivery.delivered == 1)
        #expect(delivery.failures.map(\.name) == ["bad"])
        #expect(delivery.failures.first?.error is Failure)
        #expect(record.all == ["1"])
    }

    @Test func `while one subscriber hangs the others get this event and the next`() async {
        let bus = EventBus()
        let (release, releaser) = AsyncStream<Void>.makeStream()
        let (seen, seer) = AsyncStream<String>.makeStream()
        _ = bus.subscribe("a", name: "hanging") { _ in for await _ in release {} }
        _ = bus.subscribe("a", name: "quick") { seer.yield($0.id) }
        async let first = bus.publish(event("1"))
        async let second = bus.publish(event("2"))
        var ids: Set<String> = []
        for await id in seen {
            ids.insert(id)
            if ids.count == 2 { break }
        }
        #expect(ids == ["1", "2"])
        releaser.finish()
        #expect(await [first.delivered, second.delivered] == [2, 2])
    }

    @Test func `publish returns when every subscriber has finished`() async {
        let bus = EventBus()
        let record = Record()
        let (release, releaser) = AsyncStream<Void>.makeStream()
        let (started, starter) = AsyncStream<Void>.makeStream()
        _ = bus.subscribe("a", name: "slow") { _ in
            starter.finish()
            for await _ in release {}
            record.add("finished")
        }
        async let delivery = bus.publish(event("1"))
        for await _ in started {}
        record.add("started")
        releaser.finish()
        _ = await delivery
        record.add("published")
        #expect(record.all == ["started", "finished", "published"])
    }

    @Test func `each subscriber gets events one at a time in the order of publishing`() async {
        let bus = EventBus()
        let record = Record()
        let running = Mutex(0)
        for name in ["x", "y"] {
            _ = bus.subscribe("*", name: name) { event in
                if name == "x" { running.withLock { $0 += 1 } }
                await Task.yield()
                if name == "x" {
                    record.add(running.withLock { $0 } == 1 ? event.id : "overlap")
                    running.withLock { $0 -= 1 }
                }
            }
        }
        let ids = (0..<200).map(String.init)
        await withTaskGroup(of: Void.self) { group in
            // Children are started in order but may publish in any: the bus decides the order at `publish`.
            for id in ids { group.addTask { _ = await bus.publish(self.event(id)) } }
        }
        #expect(record.all.count == 200)
        #expect(Set(record.all) == Set(ids))
        for id in ids.prefix(20) { _ = await bus.publish(event("then " + id)) }
        #expect(Array(record.all.suffix(20)) == ids.prefix(20).map { "then " + $0 })
    }

    @Test func `two subscribers see concurrent events in the same order`() async {
        let bus = EventBus()
        let records = ["x": Record(), "y": Record()]
        for (name, record) in records {
            _ = bus.subscribe("a", name: name) { event in
                await Task.yield()
                record.add(event.id)
            }
        }
        await withTaskGroup(of: Void.self) { group in
            for id in 0..<100 { group.addTask { _ = await bus.publish(self.event(String(id))) } }
        }
        #expect(records["x"]?.all.count == 100)
        #expect(records["x"]?.all == records["y"]?.all)
    }

    @Test func `a handler may publish, also to itself`() async {
        let bus = EventBus()
        let record = Record()
        _ = bus.subscribe("a", name: "nested") { event in
            record.add("begin " + event.id)
            if event.id == "1" { _ = await bus.publish(self.event("2")) }
            record.add("end " + event.id)
        }
        let delivery = await bus.publish(event("1"))
        #expect(delivery.delivered == 1)
        #expect(record.all == ["begin 1", "begin 2", "end 2", "end 1"])
    }

    @Test func `a publisher that is cancelled does not disturb its subscribers`() async {
        let bus = EventBus()
        let record = Record()
        _ = bus.subscribe("a", name: "x") { event in
            try Task.checkCancellation()
            record.add(event.id)
        }
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return await bus.publish(self.event("1")).delivered
        }
        #expect(await task.value == 1)
        #expect(record.all == ["1"])
    }

    @Test func `after cancelling nothing more arrives`() async {
        let bus = EventBus()
        let record = Record()
        let subscription = bus.subscribe("a", name: "x") { record.add($0.id) }
        _ = await bus.publish(event("1"))
        subscription.cancel()
        subscription.cancel()
        #expect(await bus.publish(event("2")).delivered == 0)
        #expect(record.all == ["1"])
        #expect(bus.subscriberCount == 0)
    }
}
