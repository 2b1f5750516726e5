/// Counters of one Lua state, as of the end of its last turn; waiting and queueing as of now.
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
    /// Time that the state had work and waited for a thread of its pool.
    package var waitNanoseconds: Int64 = 0
    /// Pieces of work that wait for a thread now.
    package var queueDepth = 0
    /// Whether a run had to be left while Lua was in the middle of something, and took the state with it:
    /// it is closed, and only a new one can go on.
    package var isAbandoned = false
}
