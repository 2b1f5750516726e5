import ClusterServices
import ClusterTestKit
import NodeTestKit
import Portable
import SharedDatabase
import Synchronization
import Testing

@Suite struct TopicTests {
    private final class Heard: Sendable {
        private let messages = Mutex<[TopicMessage]>([])
        func add(_ message: TopicMessage) { messages.withLock { $0.append(message) } }
        var all: [TopicMessage] { messages.withLock { $0 } }
        var payloads: [PortableValue] { all.map(\.payload) }
    }

    private static func with(
        _ engine: TestEngine, _ body: ([TopicService]) async throws -> Void
    ) async throws {
        try await TestDatabase.with(engine, migrations: CacheService.migrations) { test in
            let other = try test.openAnother()
            let services = [
                TopicService(database: test.database, node: "one"),
                TopicService(database: other, node: "two"),
            ]
            for service in services { service.start() }
            let result: Result<Void, any Error>
            do {
                result = .success(try await body(services))
            } catch {
                result = .failure(error)
            }
            for service in services { await service.stop() }
            if other !== test.database { await other.close() }
            try result.get()
        }
    }

    /// Publishes until every node hears: they listen a moment after their start.
    private static func waitForEars(_ services: [TopicService]) async throws {
        let heard = services.map { _ in Heard() }
        let subscriptions = zip(services, heard).map { service, heard in
            service.subscribe(namespace: "ears", topic: "t") { heard.add($0) }
        }
        try await waitUntil("every node to hear") {
            try await services[0].publish(namespace: "ears", topic: "t", 1)
            return heard.allSatisfy { !$0.all.isEmpty }
        }
        for subscription in subscriptions { subscription.cancel() }
    }

    @Test(arguments: TestEngine.allCases)
    func `messages reach every node in the order of their sender`(_ engine: TestEngine) async throws {
        try await Self.with(engine) { services in
            try await Self.waitForEars(services)
            let heard = [Heard(), Heard()]
            let subscriptions = zip(services, heard).map { service, heard in
                service.subscribe(namespace: "n", topic: "t") { heard.add($0) }
            }
            let elsewhere = Heard()
            let other = services[1].subscribe(namespace: "m", topic: "t") { elsewhere.add($0) }
            for number in 0..<100 {
                try await services[0].publish(namespace: "n", topic: "t", ["n": .integer(Int64(number))])
            }
            try await services[1].publish(namespace: "n", topic: "t", "last")
            try await waitUntil("all messages") { heard.allSatisfy { $0.all.count == 101 } }
            for node in heard {
                let first = node.all.filter { $0.node == "one" }
                #expect(first.map(\.payload) == (0..<100).map { ["n": .integer(Int64($0))] })
                #expect(first.map(\.number) == first.map(\.number).sorted())
            }
            #expect(heard[0].all.first?.isOwn == true && heard[1].all.first?.isOwn == false)
            #expect(elsewhere.all.isEmpty)
            for subscription in subscriptions { subscription.cancel() }
            other.cancel()
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `what is too large is refused, and nobody hears after the end`(_ engine: TestEngine) async throws {
        try await Self.with(engine) { services in
            try await Self.waitForEars(services)
            let heard = Heard()
            let subscription = services[0].subscribe(namespace: "n", topic: "t") { heard.add($0) }
            await #expect(throws: TopicError.tooLarge(bytes: 6_003, limit: TopicService.bytesMax)) {
                try await services[0].publish(
                    namespace: "n", topic: "t", .string(String(repeating: "x", count: 6_000)))
            }
            let large = PortableValue.string(String(repeating: "x", count: 4_990))
            try await services[0].publish(namespace: "n", topic: "t", large)
            try await waitUntil("the large message") { heard.payloads == [large] }
            services[0].release(namespace: "n")
            try await services[0].publish(namespace: "n", topic: "t", 1)
            try await Self.waitForEars(services)
            #expect(heard.payloads == [large])
            subscription.cancel()
            await services[0].stop()
            await #expect(throws: TopicError.self) {
                try await services[0].publish(namespace: "n", topic: "t", 1)
            }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a slow subscriber loses what does not fit and keeps nobody from hearing`(
        _ engine: TestEngine
    ) async throws {
        try await Self.with(engine) { services in
            try await Self.waitForEars(services)
            let gate = TestGate()
            let (slow, quick) = (Heard(), Heard())
            let first = services[0].subscribe(namespace: "n", topic: "t") { message in
                await gate.pass()
                slow.add(message)
            }
            let second = services[0].subscribe(namespace: "n", topic: "t") { quick.add($0) }
            let count = TopicSubscription.queueMax + 10
            for number in 0..<count {
                try await services[0].publish(namespace: "n", topic: "t", .integer(Int64(number)))
                // The quick one has room for all.
                if number % 500 == 0 {
                    try await waitUntil("the quick one") { quick.all.count == number + 1 }
                }
            }
            try await waitUntil("the quick one") { quick.all.count == count }
            #expect(first.dropped == 9 && second.dropped == 0)
            gate.open()
            try await waitUntil("what fitted") { slow.all.count == count - 9 }
            #expect(slow.payloads.prefix(2) == [0, 1])
        }
    }
}
