/// What one Lua state may use; a plugin's manifest may only lower these.
package struct LuaLimits: Sendable, Hashable {
    /// Bytes of the whole Lua heap.
    package var memoryBytesMax: Int
    /// Bytes of any single block: caps one string, and one table's array or hash part.
    package var blockBytesMax: Int
    /// CPU time of one call into the state, over all its turns.
    package var handlerCPU: Duration
    /// CPU time of running the main chunk.
    package var loadCPU: Duration
    /// How long one run keeps its thread before other states have a turn.
    package var slice: Duration
    /// Bytes of the encoded values of one crossing into the state.
    package var valueBytesMax: Int
    /// Bytes of the encoded arguments of one host call, and of what one run gives. Outside the state, where
    /// no limit of the plugin's holds, such values take many times that.
    package var argumentBytesMax: Int
    /// The same for all host calls that wait at one time, together.
    package var waitingBytesMax: Int
    /// Levels of tables inside one value.
    package var depthMax: Int
    /// Calls in flight at one time.
    package var outstandingCallsMax: Int
    /// Bytes of one source file.
    package var sourceBytesMax: Int

    /// The defaults are those of a plugin whose manifest asks for nothing else.
    package init(
        memoryBytesMax: Int = 64 << 20, blockBytesMax: Int = 1 << 20, handlerCPU: Duration = .seconds(1),
        loadCPU: Duration = .milliseconds(500), slice: Duration = .milliseconds(10),
        valueBytesMax: Int = 256 << 10, argumentBytesMax: Int = 256 << 10, waitingBytesMax: Int = 4 << 20,
        depthMax: Int = 32,
        outstandingCallsMax: Int = 64, sourceBytesMax: Int = 256 << 10
    ) {
        self.memoryBytesMax = memoryBytesMax
        self.blockBytesMax = blockBytesMax
        self.handlerCPU = handlerCPU
        self.loadCPU = loadCPU
        self.slice = slice
        self.valueBytesMax = valueBytesMax
        self.argumentBytesMax = argumentBytesMax
        self.waitingBytesMax = waitingBytesMax
        self.depthMax = depthMax
        self.outstandingCallsMax = outstandingCallsMax
        self.sourceBytesMax = sourceBytesMax
    }
}
