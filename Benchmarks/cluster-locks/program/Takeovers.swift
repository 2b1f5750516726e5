import ClusterServices
import Foundation
import Logging
import NodeTestKit
import SharedDatabase

/// How long a lock of a node that is killed, stopped or hung takes to be another's.
enum Takeovers {
    private enum End: String, CaseIterable {
        case kill = "kill -9"
        case stop = "a clean stop"
        case hang = "SIGSTOP"
    }

    private static let lease = 10

    static func run(rounds: Int) async throws -> Bool {
        var options = ThrowawayPostgres.Options()
        options.isDurable = true
        let server = try await ThrowawayPostgres.start(options)
        try await makeTables(server)
        print("a lock's way from a lost node to one that waits, leases of \(lease) s")
        var isGood = true
        for end in End.allCases {
            var times: [Double] = []
            for round in 0..<(end == .hang ? max(1, rounds / 4) : rounds) {
                times.append(try await measure(end, round, server))
            }
            times.sort()
            let (median, most) = (times[times.count / 2], times[times.count - 1])
            print(
                "after \(end.rawValue): median \(text(median)) ms, most \(text(most)) ms "
                    + "(\(times.count) times)")
            switch end {
            case .kill: isGood = isGood && median <= 2_000 && most <= Double(lease) * 1_000 + 1_000
            case .stop: isGood = isGood && most <= 100
            case .hang: isGood = isGood && most <= Double(lease) * 1_000 + 1_000
            }
        }
        try await server.stop()
        return isGood
    }

    static func makeTables(_ server: ThrowawayPostgres) async throws {
        var logger = Logger(label: "locks")
        logger.logLevel = .error
        let database = try SharedDatabase.openPostgres(PostgresSettings(url: server.url()), logger: logger)
        try await database.migrate(Membership.migrations)
        await database.close()
    }

    private static func measure(
        _ end: End, _ round: Int, _ server: ThrowawayPostgres
    ) async throws -> Double {
        let word = "\(end)\(round)"
        let holder = try await NodeProcess.start(["hold", "a-\(word)", server.tcpURL(), "\(lease)"])
        _ = try await holder.line("granted ")
        let heirs = try await NodeProcess.start(["hold", "b-\(word)", server.tcpURL(), "\(lease)"])
        // Another observer, as in a cluster of three; it waits behind.
        let third = try await NodeProcess.start(["hold", "c-\(word)", server.tcpURL(), "\(lease)"])
        for node in [heirs, third] { _ = try await node.line("joined") }
        // Until all have seen each other for a while, and both wait.
        try await Task.sleep(for: .milliseconds(1_500))
        var begun = LockNode.now()
        switch end {
        case .kill: holder.child.signal(SIGKILL)
        case .hang: holder.child.signal(SIGSTOP)
        case .stop:
            holder.child.signal(SIGTERM)
            // What it works on may take its time; counted is from the end of that.
            begun = Int64(try await holder.line("ending ")) ?? begun
        }
        let granted = try await either(heirs, third)
        if end == .hang { holder.child.signal(SIGKILL) }
        for node in [heirs, third] { node.child.signal(SIGKILL) }
        for node in [holder, heirs, third] { _ = try await node.child.waitForExit() }
        try await server.psql("DELETE FROM cluster_node")
        return Double(granted - begun) / 1e6
    }

    private static func either(_ one: NodeProcess, _ other: NodeProcess) async throws -> Int64 {
        let deadline = ContinuousClock.now + .seconds(120)
        while ContinuousClock.now < deadline {
            for node in [one, other] {
                let lines = node.child.output.split(separator: "\n")
                if let line = lines.first(where: { $0.hasPrefix("granted ") }) {
                    return Int64(line.dropFirst(8)) ?? 0
                }
            }
            try await Task.sleep(for: .milliseconds(2))
        }
        throw TestKitError.deadline(waitedFor: "the lock", detail: one.child.errors + other.child.errors)
    }

    private static func text(_ number: Double) -> String { String(format: "%.0f", number) }
}
