package import Portable

/// A plugin's figures on this node, since it was loaded.
package struct PluginStatistics: Sendable, Hashable {
    /// Handlers run to their end, well or not.
    package var runs: Int64 = 0
    /// Handlers that raised an error, or were ended for exceeding a limit.
    package var failures: Int64 = 0
    /// Pushes refused.
    package var refusals: Int64 = 0
    /// Events waiting to be handled.
    package var queued: Int64 = 0
    /// Events that a later one of the same repository stood in for, because the queue was full.
    package var coalesced: Int64 = 0
    /// Log lines left out because there were too many in a second.
    package var logLinesDropped: Int64 = 0
    /// CPU time of its Lua code, in nanoseconds.
    package var cpuNanoseconds: Int64 = 0
    /// Its Lua heap now, in bytes.
    package var heapBytes: Int64 = 0
    /// The largest its Lua heap has been, in bytes.
    package var heapPeakBytes: Int64 = 0
    /// Runs ended by the runtime, by reason, such as `timeout`.
    package var kills: [String: Int64] = [:]

    /// Starts at zero.
    package init() {}

    /// The JSON shape that the REST API and the command line share.
    package var portable: PortableValue {
        .map([
            "runs": .integer(runs), "failures": .integer(failures), "refusals": .integer(refusals),
            "queued": .integer(queued), "coalesced": .integer(coalesced),
            "logLinesDropped": .integer(logLinesDropped), "cpuNanoseconds": .integer(cpuNanoseconds),
            "heapBytes": .integer(heapBytes), "heapPeakBytes": .integer(heapPeakBytes),
            "kills": .map(kills.mapValues(PortableValue.integer)),
        ])
    }
}
