/// The ceilings that a plugin sets itself under `limits`; `nil` leaves the operator's.
package struct ManifestLimits: Sendable, Hashable {
    /// The Lua heap, in bytes.
    package var memoryBytesMax: Int64?
    /// CPU time of one handler, in milliseconds.
    package var handlerCPUMilliseconds: Int64?

    /// Leaves every ceiling as the operator has it.
    package init() {}

    init(_ object: ManifestObject) throws(ManifestError) {
        try object.refuseUnknownKeys(known: ["memory", "handler_cpu"], noun: "limit")
        if let text = try object.string("memory") {
            guard let bytes = SizeText.bytes(text), bytes >= 1 << 20 else {
                throw ManifestError(
                    object.path("memory"), "a size of at least 1MiB is expected, not \"\(text)\"")
            }
            memoryBytesMax = bytes
        }
        if let text = try object.string("handler_cpu") {
            guard let milliseconds = DurationText.milliseconds(text), milliseconds >= 10 else {
                throw ManifestError(
                    object.path("handler_cpu"), "a duration of at least 10ms is expected, not \"\(text)\"")
            }
            handlerCPUMilliseconds = milliseconds
        }
    }

    /// - Returns: What is above the operator's ceilings; `nil` when nothing is.
    func problem(ceilings: PluginCeilings) -> ManifestError? {
        if let memoryBytesMax, memoryBytesMax > ceilings.memoryBytesMax {
            let most = SizeText.text(bytes: ceilings.memoryBytesMax)
            return ManifestError("limits.memory", "this server allows at most \(most)")
        }
        if let handlerCPUMilliseconds, .milliseconds(handlerCPUMilliseconds) > ceilings.handlerCPU {
            let most = DurationText.text(ceilings.handlerCPU)
            return ManifestError("limits.handler_cpu", "this server allows at most \(most)")
        }
        return nil
    }
}
