/// Counters of one Lua state, as of the end of its last turn.
package struct LuaStatistics: Sendable, Hashable {
    /// Bytes in the Lua heap.
    package var heapBytes = 0
    /// The most bytes that the heap ever held.
    package var heapPeakBytes = 0
    /// Allocations refused by a limit.
    package var allocationsRefused = 0
    /// CPU time spent in Lua, including library and immediate host functions.
    package var cpuNanoseconds: Int64 = 0
    /// Calls begun, loads included.
    package var runs = 0
    /// Ended runs by reason: `timeout`, `memory`, `cancelled`.
    package var kills: [String: Int] = [:]
    /// Host calls made, fast ones included.
    package var hostCalls = 0
}
