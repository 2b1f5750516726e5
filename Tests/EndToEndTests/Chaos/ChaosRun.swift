import Foundation
import NodeTestKit
import Portable
import Synchronization
import Testing

/// Three real nodes that use locks, jobs, tasks and caches while faults happen to them and to their database.
final class ChaosRun: Sendable {
    let plan: ChaosPlan
    private let cluster: RunningCluster
    private let end: ContinuousClock.Instant
    private let begun = ContinuousClock.now
    private let done = Mutex<[String]>([])

    /// The faults that have happened, with when.
    var faults: [String] { done.withLock { $0 } }

    init(_ plan: ChaosPlan, _ cluster: RunningCluster, seconds: Int) {
        self.plan = plan
        self.cluster = cluster
        end = begun + .seconds(seconds)
    }

    /// Lets all planned faults happen until the time is up, and heals everything.
    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (number, steps) in plan.nodes.enumerated() {
                group.addTask { try await self.disturb(number, steps) }
            }
            group.addTask { try await self.disturbDatabase() }
            try await group.waitForAll()
        }
        try await cluster.heal()
    }

    /// Ends the work of the plugin, and waits until all that it was given to do is done and written down.
    func settle() async throws -> [PortableValue] {
        try await order("stop", on: 0)
        let node = cluster.nodes[0]
        try await waitUntil("all tasks are done") {
            let answer = try await node.http.get("/rest/api/latest/admin/executors")
            guard answer.status == 200, let list = try answer.json()["values"]?.listValue else {
                return false
            }
            let own = list.filter { $0["namespace"] == "com.example.chaos" }
            return own.allSatisfy { $0["waiting"] == .integer(0) && $0["delayed"] == .integer(0) }
        }
        for number in cluster.nodes.indices {
            let key = try await order("flush", on: number)
            try await waitUntil("the rest of the history") {
                self.cluster.nodes[number].log.contains("flushed \(key)")
            }
        }
        let kept = try await node.http.get("/rest/plugins/latest/com.example.chaos/kv?limit=1000&prefix=b/")
        return try kept.json()["values"]?.listValue ?? []
    }

    @discardableResult
    private func order(_ word: String, on node: Int) async throws -> String {
        let key = ClusterFaultSuite.unique("O").uppercased()
        let answer = try await cluster.nodes[node].http.post(
            "/rest/api/latest/projects", ["key": .string(key), "name": .string("\(word) \(key)")])
        try #require(answer.status == 201, "\(answer.text)")
        return key
    }

    private func disturb(_ number: Int, _ steps: [ChaosPlan.Step<ChaosPlan.NodeFault>]) async throws {
        let (node, proxy) = (cluster.nodes[number], cluster.proxies[number])
        for step in steps {
            guard await isTime(after: step.pause) else { return }
            note("node\(number + 1) \(step.fault)", step.duration)
            switch step.fault {
            case .kill:
                try await node.kill()
                await pass(step.duration)
                try await node.start()
            case .stop:
                try await node.stop()
                await pass(step.duration)
                try await node.start()
            case .sleep:
                node.signal(SIGSTOP)
                await pass(step.duration)
                node.signal(SIGCONT)
            case .cut:
                proxy.behave(.blackHole)
                await pass(step.duration)
                proxy.behave(.forward)
            case .reset:
                proxy.behave(.reset)
                proxy.behave(.forward)
            }
        }
    }

    private func disturbDatabase() async throws {
        let server = cluster.server
        for step in plan.database {
            guard await isTime(after: step.pause) else { return }
            note("database \(step.fault)", step.duration)
            switch step.fault {
            case .terminate:
                try await server.psql(
                    """
                    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
                    ORDER BY md5(pid::text || '\(step.choice)') LIMIT 1
                    """)
            case .restart:
                try await server.stop()
                try await server.start()
            case .crash:
                try await server.kill()
                try await server.start()
            case .freeze:
                try server.freeze()
                await pass(step.duration)
                try server.thaw()
            case .bystander:
                // Beside the faults that follow; one of them may end it.
                let seconds = Double(step.duration / .milliseconds(1)) / 1_000
                try await server.leaveTransactionOpen(seconds: seconds)
            }
        }
    }

    /// Lets time pass; faults are what it is about.
    private func pass(_ duration: Duration) async { await letTimePass(duration) }

    private func isTime(after pause: Duration) async -> Bool {
        guard ContinuousClock.now + pause < end else {
            await pass(ContinuousClock.now.duration(to: end))
            return false
        }
        await pass(pause)
        return !Task.isCancelled
    }

    private func note(_ fault: String, _ duration: Duration) {
        let at = Int(begun.duration(to: .now) / .milliseconds(1))
        done.withLock { $0.append("\(at) ms: \(fault) (\(Int(duration / .milliseconds(1))) ms)") }
    }
}
