import Foundation
import NodeTestKit
import Synchronization

/// Nodes that take and give back locks as fast as they can, while they are killed, stopped, hung and cut off,
/// and their database is restarted, killed, frozen and loses connections. What is then looked for: two that
/// certainly held one lock at a time, and tokens that did not grow.
final class FaultRun: Sendable {
    private static let nodes = 5
    private static let locks = 400
    private static let runsPerNode = 32
    private static let lease = 2

    private enum NodeFault: CaseIterable { case kill, stop, hang, cut, reset }
    private enum DatabaseFault: CaseIterable { case terminate, restart, crash, freeze }

    private let wanted: Int
    private let seed: UInt64
    private let isOver = Atomic(false)
    private let faults = Atomic(0)
    /// Nodes that did not stop when they were asked to.
    private let stuck = Atomic(0)

    init(grants: Int, seed: UInt64) {
        wanted = grants
        self.seed = seed
    }

    func run() async throws -> Bool {
        print("faults: seed \(seed), until there are \(wanted) grants")
        fflush(nil)
        let begun = ContinuousClock.now
        let server = try await ThrowawayPostgres.start()
        try await Takeovers.makeTables(server)
        let folder = try TemporaryDirectory("grants")
        let files = (0..<Self.nodes).map { folder.path("node\($0)") }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<Self.nodes {
                group.addTask { try await self.disturb(number, server, file: files[number]) }
            }
            group.addTask { try await self.disturb(server) }
            group.addTask {
                while files.reduce(0, { $0 + Self.count($1) }) < self.wanted {
                    try await Task.sleep(for: .seconds(1))
                }
                self.isOver.store(true, ordering: .relaxed)
            }
            try await group.waitForAll()
        }
        let grants = files.flatMap { GrantFile.read($0) }
        let problems = Self.violations(grants)
        let seconds = Int(begun.duration(to: .now) / .seconds(1))
        let certain = grants.count { $0.to > 0 }
        print(
            "faults: seed \(seed), \(grants.count) grants of \(Self.locks) locks on \(Self.nodes) nodes in "
                + "\(seconds) s, \(certain) held to a known moment, \(faults.load(ordering: .relaxed)) faults: "
                + "\(problems.count) violations, \(stuck.load(ordering: .relaxed)) nodes that did not stop")
        for problem in problems.prefix(50) { print(problem) }
        fflush(nil)
        try await server.stop("immediate")
        return problems.isEmpty && grants.count >= wanted && stuck.load(ordering: .relaxed) == 0
    }

    private static func count(_ file: String) -> Int {
        var status = stat()
        return stat(file, &status) == 0 ? Int(status.st_size) / 32 : 0
    }

    /// As long as it takes, one node's lives.
    private func disturb(_ number: Int, _ server: ThrowawayPostgres, file: String) async throws {
        var random = SeededNumbers(seed: seed &+ UInt64(number + 1))
        let proxy = try TCPProxy(to: server.port)
        let arguments = [
            "use", "node\(number)", server.tcpURL(port: proxy.port), "\(Self.lease)", file, "\(Self.locks)",
            "\(Self.runsPerNode)",
        ]
        var node = try await NodeProcess.start(arguments)
        while !isOver.load(ordering: .relaxed) {
            try await pass(Int.random(in: 1_500...9_000, using: &random))
            let duration = Int.random(in: 100...(2_000 * Self.lease), using: &random)
            let fault = NodeFault.allCases[Int.random(in: 0..<NodeFault.allCases.count, using: &random)]
            guard !isOver.load(ordering: .relaxed) else { break }
            faults.wrappingAdd(1, ordering: .relaxed)
            switch fault {
            case .kill, .stop:
                try await end(node, with: fault == .kill ? SIGKILL : SIGTERM)
                try await pass(duration)
                node = try await NodeProcess.start(arguments)
            case .hang:
                node.child.signal(SIGSTOP)
                try await pass(duration)
                node.child.signal(SIGCONT)
            case .cut:
                proxy.behave(.blackHole)
                try await pass(duration)
                proxy.behave(.forward)
            case .reset:
                proxy.behave(.reset)
                proxy.behave(.forward)
            }
            if !node.child.isRunning { node = try await NodeProcess.start(arguments) }
        }
        try await end(node, with: SIGTERM)
        proxy.close()
    }

    /// Ends a node; one that does not stop within a minute is killed, and counted.
    private func end(_ node: NodeProcess, with signal: Int32) async throws {
        node.child.signal(signal)
        let deadline = ContinuousClock.now + .seconds(60)
        while node.child.isRunning, ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(10))
        }
        if node.child.isRunning {
            stuck.wrappingAdd(1, ordering: .relaxed)
            node.child.signal(SIGKILL)
        }
        _ = try await node.child.waitForExit()
    }

    private func disturb(_ server: ThrowawayPostgres) async throws {
        var random = SeededNumbers(seed: seed)
        while !isOver.load(ordering: .relaxed) {
            try await pass(Int.random(in: 5_000...20_000, using: &random))
            let duration = Int.random(in: 100...(2_000 * Self.lease), using: &random)
            faults.wrappingAdd(1, ordering: .relaxed)
            switch DatabaseFault.allCases[Int.random(in: 0..<4, using: &random)] {
            case .terminate:
                try await server.psql(
                    """
                    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
                    ORDER BY random() LIMIT 1
                    """)
            case .restart:
                try await server.stop()
                try await server.start()
            case .crash:
                try await server.kill()
                try await server.start()
            case .freeze:
                try server.freeze()
                try await pass(duration)
                try server.thaw()
            }
        }
    }

    private func pass(_ milliseconds: Int) async throws {
        let end = ContinuousClock.now + .milliseconds(milliseconds)
        while ContinuousClock.now < end, !isOver.load(ordering: .relaxed) {
            try await Task.sleep(for: min(.milliseconds(200), ContinuousClock.now.duration(to: end)))
        }
    }

    static func violations(_ grants: [Grant]) -> [String] {
        var problems: [String] = []
        for (lock, grants) in Dictionary(grouping: grants, by: \.lock) {
            // Of the others the holder heard only after they were over.
            let sorted = grants.filter { $0.to > 0 }.sorted { ($0.from, $0.token) < ($1.from, $1.token) }
            var last: Grant?
            for grant in sorted {
                if let last {
                    if grant.from < last.to {
                        problems.append("lock \(lock): \(grant) is held while \(last) is")
                    } else if grant.token <= last.token {
                        problems.append("lock \(lock): \(grant) has no greater token than \(last)")
                    }
                }
                if last.map({ $0.to < grant.to }) ?? true { last = grant }
            }
            let tokens = grants.map(\.token)
            if Set(tokens).count < tokens.count { problems.append("lock \(lock): a token was given twice") }
        }
        return problems
    }
}

/// Numbers that depend on nothing but the seed.
/// - Source: G. Steele, D. Lea, C. Flood, "Fast Splittable Pseudorandom Number Generators": SplitMix64.
private struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
