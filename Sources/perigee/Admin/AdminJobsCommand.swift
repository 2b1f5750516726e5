import ArgumentParser
import Node
import Portable

/// `perigee admin jobs`: what runs when, and how it went.
struct AdminJobsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jobs", abstract: "Show the jobs of the cluster, run one now, or unschedule one.",
        discussion: """
            Without a job it shows one line for each. With one, written as NAMESPACE/NAME, it shows its last
            runs, has it run with --run, or ends its schedule on all nodes with --unschedule. A plugin that
            registers the job when it starts brings it back then.
            """)

    @Argument(help: "The job, such as com.example.reports/resync.")
    var job: String?

    @Flag(name: .customLong("run"), help: "Have it run now, or when the run that is under way has ended.")
    var runsNow = false

    @Flag(help: "End its schedule.")
    var unschedule = false

    @OptionGroup var node: NodeOptions

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        if runsNow, unschedule { throw ValidationError("--run and --unschedule exclude each other.") }
        if job == nil, runsNow || unschedule {
            throw ValidationError("Name the job, such as com.example.reports/resync.")
        }
        if let job, job.split(separator: "/", maxSplits: 1).count != 2 {
            throw ValidationError("Write the job as NAMESPACE/NAME.")
        }
    }

    func run() async throws {
        let client = try node.client()
        guard let job else { return try show(try await client.jobs()) }
        let parts = job.split(separator: "/", maxSplits: 1).map(String.init)
        if runsNow {
            try await client.runJob(namespace: parts[0], name: parts[1])
            return print("\(TerminalText.shown(job)) runs as soon as it does not run already")
        }
        if unschedule {
            try await client.unscheduleJob(namespace: parts[0], name: parts[1])
            return print("\(TerminalText.shown(job)) is not scheduled any more")
        }
        let found = try await client.job(namespace: parts[0], name: parts[1])
        if json { return print(try JSON.text(.list(found))) }
        try show(found)
        var rows = [["STARTED", "TOOK", "NODE", "WHY", "OUTCOME", "MESSAGE"]]
        rows += found.flatMap { $0["runs"]?.listValue ?? [] }.map(Self.row)
        print("\n" + TextTable.render(rows))
    }

    private func show(_ jobs: [PortableValue]) throws {
        if json { return print(try JSON.text(.list(jobs))) }
        var rows = [["JOB", "SCHEDULE", "NEXT RUN", "LAST RUN", "OUTCOME", "RUNNING ON"]]
        rows += jobs.map { job in
            let name = "\(job["namespace"]?.stringValue ?? "")/\(job["name"]?.stringValue ?? "")"
            let node = job["node"]?.stringValue.map { " (\($0))" } ?? ""
            return [
                TerminalText.shown(name + node), TerminalText.shown(job["schedule"]?.stringValue ?? ""),
                Self.time(job["nextRunDate"]), Self.time(job["lastRun"]?["startedDate"]),
                job["lastRun"]?["outcome"]?.stringValue ?? "-",
                TerminalText.shown(job["running"]?["node"]?.stringValue ?? "-"),
            ]
        }
        print(TextTable.render(rows))
    }

    private static func row(_ run: PortableValue) -> [String] {
        let started = run["startedDate"]?.integerValue ?? 0
        let took = run["endedDate"]?.integerValue.map { "\(max(0, $0 - started)) ms" } ?? "-"
        return [
            time(run["startedDate"]), took, TerminalText.shown(run["node"]?.stringValue ?? ""),
            run["reason"]?.stringValue ?? "", run["outcome"]?.stringValue ?? "runs",
            TerminalText.shown(run["message"]?.stringValue ?? ""),
        ]
    }

    private static func time(_ value: PortableValue?) -> String {
        value?.integerValue.map { TerminalText.time($0) } ?? "-"
    }
}
