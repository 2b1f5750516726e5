import ClusterServices
import PluginHost
import Portable

/// The options with which a plugin registers a job, checked.
struct JobRequest {
    /// Whether the options name a runner.
    let hasRunner: Bool
    /// The job's own name when they do not.
    let runner: String
    let first: JobSchedule.FirstRun
    let zone: String
    let timeout: Duration
    private let jitter: Int64
    private let options: PortableValue

    static let fields = [
        HostField(
            "mode", .choice(JobDefinition.Mode.allCases.map(\.rawValue)),
            "On one node for each time, or on each node (default `once_per_cluster`).", isOptional: true),
        HostField(
            "first_run", .string,
            "How long after it was registered for the first time `every` runs first, `0s` for at once "
                + "(default: the interval).", isOptional: true),
        HostField(
            "jitter", .string,
            "Up to so long is added to each time, always the same for a job (default none).",
            isOptional: true),
        HostField(
            "overlap", .choice(JobDefinition.Overlap.allCases.map(\.rawValue)),
            "What becomes of a time that comes while the job runs (default `skip`).", isOptional: true),
        HostField(
            "misfire", .choice(JobDefinition.Misfire.allCases.map(\.rawValue)),
            "What becomes of times that passed while no node was there (default `once`).", isOptional: true),
        HostField(
            "recover", .boolean, "Whether a run that was lost or stopped is started again (default `false`).",
            isOptional: true),
        HostField(
            "timezone", .string, "On whose clocks `cron` looks, such as `Europe/Berlin` (default `UTC`).",
            isOptional: true),
        HostField(
            "timeout", .string, "How long a run may take, waiting included (default `1h`; at most `1d`).",
            isOptional: true),
        HostField("data", .value, "Handed to each run as `job.data`; plain data.", isOptional: true),
        HostField(
            "runner", .string, "The function's name, where it is not the job's (default: the job's name).",
            isOptional: true),
    ]

    /// - Parameter index: Of the options among the arguments.
    init(_ call: HostCall, _ index: Int) throws {
        options = call.options(index)
        hasRunner = options["runner"]?.stringValue != nil
        runner = options["runner"]?.stringValue ?? call.string(0)
        zone = options["timezone"]?.stringValue ?? "UTC"
        timeout = try Self.timeout(call, index)
        jitter = try Self.duration(call, index, "jitter", most: 86_400_000) ?? 0
        let delay = try Self.duration(call, index, "first_run", most: JobSchedule.intervalMax)
        first = delay.map { .after($0) } ?? .afterInterval
    }

    /// Refuses an option that says nothing about this kind of schedule.
    func refuse(_ name: String, _ call: HostCall) throws {
        try call.require(options[name] == nil, argument: 2, "options", "\(name) has no meaning here")
    }

    func apply(to definition: inout JobDefinition) {
        definition.mode = Self.choice(options["mode"]) ?? .oncePerCluster
        definition.overlap = Self.choice(options["overlap"]) ?? .skip
        definition.misfire = Self.choice(options["misfire"]) ?? .once
        if case .bool(let recovers)? = options["recover"] { definition.recovers = recovers }
        definition.jitter = jitter
        definition.data = options["data"] ?? .null
    }

    /// Milliseconds: of a text, or as they are.
    func interval(_ call: HostCall) throws -> Int64 {
        let milliseconds =
            call.value(1).stringValue.map(DurationText.milliseconds) ?? call.value(1).integerValue
        guard let milliseconds, (1_000...JobSchedule.intervalMax).contains(milliseconds) else {
            throw HostFailure.misuse(
                "bad argument #2 'interval' to '\(call.function)' "
                    + "(a duration from '1s' to '10000d' is expected)"
            )
        }
        return milliseconds
    }

    static func timeout(_ call: HostCall, _ index: Int) throws -> Duration {
        let milliseconds = try duration(call, index, "timeout", most: 86_400_000) ?? 3_600_000
        try call.require(
            milliseconds > 0, argument: index, "options", "timeout: more than nothing is expected")
        return .milliseconds(milliseconds)
    }

    private static func duration(
        _ call: HostCall, _ index: Int, _ name: String, most: Int64
    ) throws -> Int64? {
        guard let text = call.options(index)[name]?.stringValue else { return nil }
        guard let milliseconds = DurationText.milliseconds(text), milliseconds <= most else {
            try call.require(
                false, argument: index, "options",
                "\(name): a duration up to \(DurationText.text(milliseconds: most)) is expected, "
                    + "got '\(text.cut(toBytes: 40))'")
            return nil
        }
        return milliseconds
    }

    private static func choice<Choice: RawRepresentable<String>>(_ value: PortableValue?) -> Choice? {
        value?.stringValue.flatMap(Choice.init(rawValue:))
    }
}
