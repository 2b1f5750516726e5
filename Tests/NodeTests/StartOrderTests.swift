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
