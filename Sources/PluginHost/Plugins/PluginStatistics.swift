package import Portable

/// A plugin's figures on this node since the node started; reloads do not begin them anew.
package struct PluginStatistics: Sendable, Hashable {
    /// Handlers run to their end, well or not.
    package var runs: Int64 = 0
    /// Handlers that raised an error, or were ended for exceeding a limit.
    package var failures: Int64 = 0
    /// Pushes refused.
    package var refusals: Int64 = 0
    /// Events waiting to be handled; at most so many while the plugin is far behind.
    package var queued: Int64 = 0
    /// Events of plugins that were dropped, because too many of their sender waited.
    package var dropped: Int64 = 0
    /// Log lines left out because there were too many in a second.
    package var logLinesDropped: Int64 = 0
    /// CPU time of its Lua code, in nanoseconds.
    package var cpuNanoseconds: Int64 = 0
    /// Its Lua heap now, in bytes.
    package var heapBytes: Int64 = 0
    /// The largest its Lua heap has been, in bytes.
    package var heapPeakBytes: Int64 = 0
    /// Runs ended by force, by reason: `timeout`, `memory`, `wait`, `cancelled`.
    package var kills: [String: Int64] = [:]
    /// Calls of host functions by full name and outcome: `ok`, `misuse`, `denied`, or an error's code.
    package var hostCalls: [String: [String: Int64]] = [:]
    /// Time that its runs waited for host functions, in nanoseconds.
    package var waitNanoseconds: Int64 = 0

    /// Time that its Lua code was ready to go on and waited for a Lua thread, in nanoseconds.
    package var threadWaitNanoseconds: Int64 = 0
    /// Pieces of its Lua code that wait for a Lua thread now.
    package var threadQueue: Int64 = 0

    /// Starts at zero.
    package init() {}

    /// The JSON shape that the REST API and the command line share.
    package var portable: PortableValue {
        .map([
            "runs": .integer(runs), "failures": .integer(failures), "refusals": .integer(refusals),
            "queued": .integer(queued), "dropped": .integer(dropped),
            "logLinesDropped": .integer(logLinesDropped), "cpuNanoseconds": .integer(cpuNanoseconds),
            "heapBytes": .integer(heapBytes), "heapPeakBytes": .integer(heapPeakBytes),
            "kills": .map(kills.mapValues(PortableValue.integer)),
            "hostCalls": .map(hostCalls.mapValues { .map($0.mapValues(PortableValue.integer)) }),
            "waitNanoseconds": .integer(waitNanoseconds),
            "threadWaitNanoseconds": .integer(threadWaitNanoseconds), "threadQueue": .integer(threadQueue),
        ])
    }
}
