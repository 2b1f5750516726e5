import ClusterServices
import Foundation
import Logging
import NodeTestKit
import SharedDatabase
import Synchronization

/// Jobs of a cluster of three nodes on a PostgreSQL server of its own: how late their runs begin, how many
/// begin twice, and what it costs.
@main struct ClusterJobs {
    static let nodes = 3

    static func main() async throws {
        let arguments = CommandLine.arguments.dropFirst().compactMap { Int($0) }
        let (jobs, seconds) = (arguments.first ?? 1_000, arguments.dropFirst().first ?? 120)
        var options = ThrowawayPostgres.Options()
        options.isDurable = true
        let server = try await ThrowawayPostgres.start(options)
        let idle = try await measure(server, name: "idle", jobs: 10, interval: 1_000, seconds: seconds / 2)
        let busy = try await measure(
            server, name: "busy", jobs: jobs, interval: 60_000, seconds: seconds)
        try await server.stop()
        let isGood =
            idle.twice + busy.twice == 0 && idle.lateness(99) <= 250 && busy.lateness(99) <= 1_000
            && busy.processors <= 0.05
        exit(isGood ? 0 : 1)
    }

    struct Result {
        let latenesses: [Int64]
        let twice: Int
        let processors: Double

        func lateness(_ percent: Int) -> Int64 {
            latenesses.isEmpty
                ? .max : latenesses[min(latenesses.count - 1, latenesses.count * percent / 100)]
        }
    }

    /// Runs jobs that do nothing for a while.
    static func measure(
        _ server: ThrowawayPostgres, name: String, jobs: Int, interval: Int64, seconds: Int
    ) async throws -> Result {
        try await server.makeDatabase(name)
        let starts = Mutex<[String: [Int64]]>([:])
        var members: [(SharedDatabase, Membership, JobScheduler)] = []
        for number in 1...nodes {
            var logger = Logger(label: "jobs")
            logger.logLevel = .error
            let database = try SharedDatabase.openPostgres(
                PostgresSettings(url: server.url(name)), logger: logger)
            if number == 1 { try await database.migrate(Membership.migrations + JobScheduler.migrations) }
            let membership = Membership(
                database: database,
                identity: NodeDescription(nodeID: "node\(number)", version: "1", sharedHomeID: "home"),
                logger: logger)
            try await membership.join()
            var settings = JobSettings()
            settings.namespaceJobsMax = max(jobs, settings.namespaceJobsMax)
            let scheduler = JobScheduler(
                database: database, membership: membership, settings: settings, logger: logger)
            _ = scheduler.addRunner(namespace: "bench", name: "nothing") { job in
                let key = "\(job.name) \(job.run.fireTime)"
                starts.withLock { $0[key, default: []].append(job.run.startedAt - job.run.fireTime) }
                return nil
            }
            scheduler.start()
            members.append((database, membership, scheduler))
        }
        for number in 1...jobs {
            var definition = JobDefinition(
                namespace: "bench", name: "job\(number)", runner: "nothing", schedule: .interval(interval))
            definition.jitter = interval
            try await members[number % nodes].2.schedule(definition)
        }
        try await Task.sleep(for: .milliseconds(2 * interval + 1_000))
        starts.withLock { $0 = [:] }
        let before = processorTime()
        try await Task.sleep(for: .seconds(seconds))
        let processors = (processorTime() - before) / Double(seconds) / Double(nodes)
        let seen = starts.withLock { $0 }
        for (database, membership, scheduler) in members {
            await scheduler.stop(within: .seconds(10))
            await membership.leave()
            await database.close()
        }
        let result = Result(
            latenesses: seen.values.flatMap { $0 }.sorted(), twice: seen.values.count { $0.count > 1 },
            processors: processors)
        print(
            """
            \(jobs) jobs each \(interval) ms on \(nodes) nodes: \
            \(result.latenesses.count) starts in \(seconds) s, \
            \(result.twice) times twice; late p50 \(result.lateness(50)) ms, p99 \(result.lateness(99)) ms, \
            most \(result.latenesses.last ?? 0) ms; \
            \(String(format: "%.2f", processors * 100)) % of a processor per node
            """)
        return result
    }

    /// Seconds of this process, all nodes together.
    static func processorTime() -> Double {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }
}
