import Foundation
import NodeTestKit

/// Locks of nodes that are processes of their own, on a PostgreSQL server of their own: how long the locks of
/// a lost node take to be another's, and whether anything is ever granted twice while faults happen.
@main struct ClusterLocks {
    static func main() async throws {
        let words = Array(CommandLine.arguments.dropFirst())
        if words.first == "node" { return try await LockNode.run(Array(words.dropFirst())) }
        switch words.first ?? "all" {
        case "takeover":
            exit(try await Takeovers.run(rounds: words.dropFirst().first.flatMap { Int($0) } ?? 20) ? 0 : 1)
        case "faults":
            let grants = words.dropFirst().first.flatMap { Int($0) } ?? 1_000_000
            let seed = words.dropFirst(2).first.flatMap { UInt64($0) } ?? UInt64.random(in: 1...999_999_999)
            exit(try await FaultRun(grants: grants, seed: seed).run() ? 0 : 1)
        case "all":
            let isQuick = try await Takeovers.run(rounds: 20)
            let seed = UInt64.random(in: 1...999_999_999)
            exit(try await FaultRun(grants: 1_000_000, seed: seed).run() && isQuick ? 0 : 1)
        default:
            print("cluster-locks [all | takeover [ROUNDS] | faults [GRANTS [SEED]]]")
            exit(2)
        }
    }
}

/// A node's process, as its parent sees it.
struct NodeProcess: Sendable {
    let child: ChildProcess

    /// - Parameter arguments: As ``LockNode`` takes them.
    static func start(_ arguments: [String]) async throws -> NodeProcess {
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return NodeProcess(
            child: try await ChildProcess.start(
                [own, "node"] + arguments, environment: Executable.environment, directory: "/"))
    }

    /// Waits for a line of its output that begins so, and gives the rest of it.
    func line(_ beginning: String) async throws -> String {
        let deadline = ContinuousClock.now + .seconds(120)
        while ContinuousClock.now < deadline {
            let lines = child.output.split(separator: "\n")
            if let line = lines.last(where: { $0.hasPrefix(beginning) }) {
                return String(line.dropFirst(beginning.count))
            }
            try await Task.sleep(for: .milliseconds(2))
        }
        throw TestKitError.deadline(waitedFor: beginning, detail: child.output + child.errors)
    }
}
