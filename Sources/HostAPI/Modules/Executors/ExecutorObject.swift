import ClusterServices
import PluginHost
import Portable
import Synchronization

/// What an executor in Lua code's hands stands for.
final class ExecutorObject: HostObject {
    let name: String
    let plugin: String
    let settings: ExecutorSettings
    /// Gives the bucket of a task; `nil` when all are in one.
    let bucket: PluginCallback?
    private let executors: ExecutorService?
    private let found = Mutex<BucketedExecutor?>(nil)

    init(
        name: String, plugin: String, settings: ExecutorSettings, bucket: PluginCallback?,
        executors: ExecutorService?
    ) {
        self.name = name
        self.plugin = plugin
        self.settings = settings
        self.bucket = bucket
        self.executors = executors
    }

    func requireService() throws -> ExecutorService {
        guard let executors else {
            throw HostFailure.outcome(code: .unavailable, message: "no server runs here")
        }
        return executors
    }

    /// For submitting, also before the plugin serves.
    func executor() async throws -> BucketedExecutor {
        if let found = found.withLock({ $0 }) { return found }
        let executor = try await requireService().submitter(namespace: plugin, name: name, settings: settings)
        found.withLock { $0 = executor }
        return executor
    }
}

/// What a run of an executor's function carries along: that its tasks are still its own.
struct TaskCallContext: Sendable {
    let fence: WriteFence

    /// What a host call of such a run writes is conditional on; `nil` in other runs.
    static func fence(of call: HostCall) -> WriteFence? { (call.callerContext as? TaskCallContext)?.fence }
}

/// The options of `perigee.executors.define`, checked.
struct ExecutorOptions: Sendable {
    let settings: ExecutorSettings
    let timeout: Duration

    init(_ call: HostCall) throws {
        let options = call.options(1)
        func number(_ table: PortableValue, _ name: String, _ range: ClosedRange<Int64>) throws -> Int? {
            guard let value = table[name]?.integerValue else { return nil }
            try call.require(
                range.contains(value), argument: 1, "options",
                "\(name): a number from \(range.lowerBound) to \(range.upperBound) expected, got \(value)")
            return Int(clamping: value)
        }
        func duration(_ name: String, _ longest: Int64) throws -> Duration? {
            guard let text = options[name]?.stringValue else { return nil }
            let milliseconds = DurationText.milliseconds(text)
            try call.require(
                milliseconds.map { $0 > 0 && $0 <= longest } ?? false, argument: 1, "options",
                "\(name): a duration up to \(DurationText.text(milliseconds: longest)) expected, "
                    + "got '\(text.cut(toBytes: 40))'")
            return .milliseconds(milliseconds ?? 0)
        }
        var settings = ExecutorSettings()
        if let batch = try number(options, "batch", 1...1000) { settings.batch = batch }
        if let attempts = try number(options, "max_attempts", 1...1000) { settings.attemptsMax = attempts }
        if let tasks = try number(options, "max_tasks", 1...100_000) { settings.tasksMax = tasks }
        if let backoff = try duration("backoff", 300_000) { settings.backoff = backoff }
        if let concurrency = options["concurrency"] {
            let perNode = try number(concurrency, "per_node", 1...64)
            let perCluster = try number(concurrency, "per_cluster", 1...256)
            try call.require(
                concurrency.mapValue?.count == 1 && (perNode == nil) != (perCluster == nil), argument: 1,
                "options",
                "concurrency: either per_node or per_cluster expected")
            if let perNode { settings.concurrency = .perNode(perNode) }
            if let perCluster { settings.concurrency = .perCluster(perCluster) }
        }
        self.settings = settings
        timeout = try duration("timeout", 86_400_000) ?? .seconds(300)
    }
}
