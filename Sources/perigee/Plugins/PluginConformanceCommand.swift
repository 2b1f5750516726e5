import ArgumentParser
import FoundationEssentials
import Node

/// `perigee plugin conformance`: runs the hostile plugins of the SDK on a node.
struct PluginConformanceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "conformance",
        abstract: "Run the hostile plugins of sdk/conformance, and tell what became of each.",
        discussion: """
            Without --home or --server a node is started on a temporary home. With --server, --shared-home \
            names the node's shared home, where the plugins are installed and removed again. The exit code \
            is 1 when a case does not end as expected.
            """)

    @OptionGroup var node: NodeOptions

    @Option(name: .customLong("shared-home"), help: "The node's shared home; of --home its folder shared.")
    var sharedHome: String?

    @Option(help: "The folder with the cases; the distribution's sdk/conformance unless given.")
    var cases: String?

    @Option(help: "One folder of cases, or one case.")
    var only: String?

    @Option(help: "Seconds of CPU time that a case may use beyond its limit, for busy machines.")
    var slack = 0

    func validate() throws {
        if node.server != nil, sharedHome == nil { throw ValidationError("--server needs --shared-home.") }
        if node.server == nil, node.home == nil, sharedHome != nil {
            throw ValidationError("--shared-home goes with --home or --server.")
        }
        if slack < 0 { throw ValidationError("--slack is a number of seconds.") }
    }

    func run() async throws {
        guard let folder = cases.map({ AbsolutePath.of($0) }) ?? Distribution().findConformance() else {
            throw ConformanceError.noCases(folder: "sdk/conformance")
        }
        let suite = try ConformanceSuite(folder: folder, only: only)
        if node.home != nil || node.server != nil {
            let home = node.home.map { AbsolutePath.of($0) + "/shared" } ?? ""
            let shared = sharedHome.map { AbsolutePath.of($0) } ?? home
            return try await run(suite, try node.client(), shared: shared)
        }
        let own = try await ConformanceNode()
        do {
            try await run(suite, try NodeClient(home: own.home), shared: "\(own.home)/shared")
        } catch {
            await own.stop()
            throw error
        }
        guard await own.stop() == 0 else { throw ConformanceError.noNode(detail: "it did not end by itself") }
    }

    private func run(_ suite: ConformanceSuite, _ client: NodeClient, shared: String) async throws {
        let widths = [
            max(4, suite.cases.map(\.name.count).max() ?? 0),
            max(8, suite.cases.map(\.expected.count).max() ?? 0),
        ]
        let line = { (name: String, expected: String, got: String, time: String) in
            let cells = zip([name, expected], widths).map {
                $0 + String(repeating: " ", count: max(0, $1 - $0.count))
            }
            print((cells + [time, TerminalText.shown(got)]).joined(separator: "  "))
        }
        line("CASE", "EXPECTED", "GOT", "    TIME")
        let conformance = try ConformanceRun(
            client: client, suite: suite, sharedHome: shared, slack: .seconds(slack))
        let bad = try await conformance.run { result in
            let milliseconds = "\(Self.milliseconds(result.took)) ms"
            let time = String(repeating: " ", count: max(0, 8 - milliseconds.count)) + milliseconds
            line(result.name, result.expected, (result.isGood ? "" : "NOT ") + Self.cut(result.got), time)
        }
        print("\(suite.cases.count) cases, \(bad) not as expected")
        if bad > 0 { throw ExitCode(1) }
    }

    private static func milliseconds(_ duration: Duration) -> Int64 {
        let (seconds, attoseconds) = duration.components
        return seconds * 1_000 + attoseconds / 1_000_000_000_000_000
    }

    private static func cut(_ text: String) -> String {
        text.count > 160 ? text.prefix(160) + "..." : text
    }
}
