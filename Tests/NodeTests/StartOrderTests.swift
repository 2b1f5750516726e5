import Logging
import ServiceLifecycle
import Synchronization
import Testing

@testable import Node

@Suite struct StartOrderTests {
    private final class Record: Sendable {
        private let lines = Mutex<[String]>([])
        var all: [String] { lines.withLock { $0 } }
        func add(_ line: String) { lines.withLock { $0.append(line) } }
    }

    private struct Broken: Error {}

    @Test func `services start in order and stop in reverse`() async throws {
        let record = Record()
        let last = StartSignal()
        let services = chain(["a", "b", "c"], record: record, last: last)
        let group = ServiceGroup(services: services, logger: Logger(label: "test"))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            #expect(await last.wait())
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
        #expect(record.all == ["+a", "+b", "+c", "-c", "-b", "-a"])
    }

    @Test func `a service that does not start keeps the later ones from starting, and the earlier ones stop`()
        async
    {
        let record = Record()
        let last = StartSignal()
        let services = chain(["a", "b", "c"], record: record, last: last, broken: "b")
        let group = ServiceGroup(services: services, logger: Logger(label: "test"))
        await #expect(throws: Broken.self) { try await group.run() }
        #expect(await last.wait() == false)
        #expect(!record.all.contains("+c"))
        #expect(record.all.contains("-a"))
    }

    @Test func `a part whose turn has not come is not started by a node that is asked to stop`() async throws
    {
        let record = Record()
        let first = StartSignal()
        let (isStarting, mayGoOn, last) = (StartSignal(), StartSignal(), StartSignal())
        let slow = StagedService(
            name: "slow", after: nil, isUp: first, logger: Logger(label: "test"),
            start: {
                isStarting.settle(true)
                _ = await mayGoOn.wait()
                record.add("+slow")
            }, stop: { record.add("-slow") })
        let late = StagedService(
            name: "late", after: first, isUp: last, logger: Logger(label: "test"),
            start: { record.add("+late") }, stop: { record.add("-late") })
        let group = ServiceGroup(services: [slow, late], logger: Logger(label: "test"))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            #expect(await isStarting.wait())
            await group.triggerGracefulShutdown()
            #expect(await last.wait() == false)
            mayGoOn.settle(true)
            try await tasks.waitForAll()
        }
        #expect(record.all == ["+slow", "-slow"])
    }

    private func chain(
        _ names: [String], record: Record, last: StartSignal, broken: String? = nil
    ) -> [StagedService] {
        var previous: StartSignal?
        return names.map { name in
            let isUp = name == names.last ? last : StartSignal()
            defer { previous = isUp }
            return StagedService(
                name: name, after: previous, isUp: isUp, logger: Logger(label: "test"),
                start: {
                    if name == broken { throw Broken() }
                    record.add("+\(name)")
                }, stop: { record.add("-\(name)") })
        }
    }
}
