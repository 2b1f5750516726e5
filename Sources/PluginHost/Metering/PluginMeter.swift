import LuaRuntime
import Metrics
import Synchronization

/// One plugin's figures on this node for as long as the node runs; they outlive its reloads.
///
/// It also notices when runs of the plugin are ended too often, and then lets no further run begin.
final class PluginMeter: Sendable {
    private struct State {
        var runs: Int64 = 0
        var failures: Int64 = 0
        var kills: [String: Int64] = [:]
        var window: KillWindow
        var isHalted = false
        /// The states that are there now; two while a reload lets the old one drain.
        var live: [(state: LuaState, log: PluginLog)] = []
        /// Of the states that are gone.
        var pastCPU: Int64 = 0
        var pastPeak: Int64 = 0
        var pastDropped: Int64 = 0
        var pastThreadWait: Int64 = 0
        var tallies: [String: HostCallTally] = [:]
        /// What the counters of the metrics have been told.
        var told: [String: [String: Int64]] = [:]
    }

    let pluginID: String
    private let state: Mutex<State>
    private let exceeded: @Sendable (_ pluginID: String, _ reason: String) -> Void

    /// - Parameter exceeded: Told once when too many runs were ended, until ``resume()``.
    init(
        pluginID: String, ceilings: PluginCeilings,
        exceeded: @escaping @Sendable (_ pluginID: String, _ reason: String) -> Void
    ) {
        self.pluginID = pluginID
        self.exceeded = exceeded
        state = Mutex(
            State(window: KillWindow(killsMax: ceilings.killsMax, length: ceilings.killWindow)))
    }

    /// Whether no run may begin: too many were ended.
    var isHalted: Bool { state.withLock { $0.isHalted } }

    /// Lets runs begin again.
    func resume() {
        state.withLock { state in
            state.isHalted = false
            state.window.clear()
        }
    }

    /// Counts a Lua state from now on.
    func follow(_ lua: LuaState, log: PluginLog) {
        state.withLock { $0.live.append((lua, log)) }
    }

    /// Keeps the figures of a state that was closed.
    func leave(_ lua: LuaState) {
        state.withLock { state in
            guard let index = state.live.firstIndex(where: { $0.state === lua }) else { return }
            let (lua, log) = state.live.remove(at: index)
            let figures = lua.statistics()
            state.pastCPU += figures.cpuNanoseconds
            state.pastPeak = max(state.pastPeak, Int64(figures.heapPeakBytes))
            state.pastDropped += log.dropped
            state.pastThreadWait += figures.waitNanoseconds
        }
    }

    /// The logs of the states that are there now.
    var logs: [PluginLog] { state.withLock { $0.live.map(\.log) } }

    /// Counts a run that ended well.
    func ran() { state.withLock { $0.runs += 1 } }

    /// Counts a run that failed, and what ended it.
    func failed(_ error: any Error, now: ContinuousClock.Instant = .now) {
        let reason = Self.killReason(error)
        let excess: String? = state.withLock { state in
            state.runs += 1
            state.failures += 1
            guard let reason else { return nil }
            state.kills[reason, default: 0] += 1
            if !state.isHalted, state.live.contains(where: { $0.state.statistics().isAbandoned }) {
                state.isHalted = true
                return "a run could not be stopped and was left, its Lua state with it; it \(error)"
            }
            guard Self.counts(error), !state.isHalted,
                let excess = state.window.add(reason, detail: "\(error)", now: now)
            else { return nil }
            state.isHalted = true
            return excess
        }
        if let reason {
            Counter(label: "perigee.plugin.kills", dimensions: [("plugin", pluginID), ("reason", reason)])
                .increment()
        }
        if let excess { exceeded(pluginID, excess) }
    }

    /// The tally of a host function's calls.
    func tally(of function: String) -> HostCallTally {
        state.withLock { state in
            if let tally = state.tallies[function] { return tally }
            let tally = HostCallTally()
            state.tallies[function] = tally
            return tally
        }
    }

    /// Writes the figures that this meter keeps into `statistics`.
    func fill(_ statistics: inout PluginStatistics) {
        state.withLock { state in
            let live = state.live.map { ($0.state.statistics(), $0.log.dropped) }
            statistics.runs = state.runs
            statistics.failures = state.failures
            statistics.kills = state.kills
            statistics.cpuNanoseconds = state.pastCPU + live.reduce(0) { $0 + $1.0.cpuNanoseconds }
            statistics.heapBytes = live.reduce(0) { $0 + Int64($1.0.heapBytes) }
            statistics.heapPeakBytes = max(state.pastPeak, Int64(live.map(\.0.heapPeakBytes).max() ?? 0))
            statistics.logLinesDropped = state.pastDropped + live.reduce(0) { $0 + $1.1 }
            statistics.threadWaitNanoseconds =
                state.pastThreadWait + live.reduce(0) { $0 + $1.0.waitNanoseconds }
            statistics.threadQueue = live.reduce(0) { $0 + Int64($1.0.queueDepth) }
            statistics.hostCalls = state.tallies.mapValues(\.counts).filter { !$0.value.isEmpty }
            statistics.waitNanoseconds = state.tallies.values.reduce(0) { $0 + $1.waitedNanoseconds }
        }
    }

    /// Brings the counters of host calls up to date.
    func report(_ calls: [String: [String: Int64]]) {
        let news = state.withLock { state in
            var news: [(function: String, outcome: String, count: Int64)] = []
            for (function, outcomes) in calls {
                for (outcome, count) in outcomes {
                    let more = count - (state.told[function]?[outcome] ?? 0)
                    if more > 0 { news.append((function, outcome, more)) }
                }
            }
            for (function, outcome, count) in news {
                state.told[function, default: [:]][outcome, default: 0] += count
            }
            return news
        }
        for (function, outcome, count) in news {
            let dimensions = [("plugin", pluginID), ("function", function), ("outcome", outcome)]
            Counter(label: "perigee.plugin.host.calls", dimensions: dimensions).increment(by: count)
        }
    }

    /// Why a run was ended by force; `nil` when it ended by itself.
    private static func killReason(_ error: any Error) -> String? {
        switch error {
        case LuaError.timeout: "timeout"
        case LuaError.outOfMemory: "memory"
        case LuaError.killed: "cancelled"
        case PluginHostError.timeLimit: "wait"
        default: nil
        }
    }

    /// Whether it is the plugin's fault beyond doubt; a wait may be the server's.
    private static func counts(_ error: any Error) -> Bool {
        switch error {
        case LuaError.timeout, LuaError.outOfMemory: true
        default: false
        }
    }
}
