import Logging
import LuaRuntime

/// Says what went wrong in a plugin: to its log with everything, to others in a clause.
enum FailureLog {
    /// Writes one error line with the traceback.
    static func write(_ error: any Error, while doing: String, to logger: Logger, event: String? = nil) {
        var metadata: Logger.Metadata = ["error": "\(error)"]
        if let event { metadata["event.id"] = "\(event)" }
        if case LuaError.runtime(_, let traceback) = error, !traceback.isEmpty {
            metadata["traceback"] = "\(traceback)"
        }
        logger.error("plugin failed while \(doing)", metadata: metadata)
    }

    /// The failure's kind, for metrics.
    static func outcome(_ error: any Error) -> String {
        switch error {
        case LuaError.timeout: "timeout"
        case LuaError.outOfMemory: "memory"
        case LuaError.killed: "killed"
        case LuaError.tooManyCalls: "too_many_calls"
        case LuaError.closed, PluginHostError.stopped: "stopped"
        case PluginHostError.timeLimit: "wait"
        default: "error"
        }
    }

    /// What a git client may see: what kind of failure, and nothing from inside the plugin.
    static func clause(_ error: any Error) -> String {
        switch error {
        case LuaError.timeout: "it used up its CPU time"
        case LuaError.outOfMemory: "it used up its memory"
        case LuaError.tooManyCalls: "too many pushes are waiting for it"
        case LuaError.closed, PluginHostError.stopped: "it was stopped"
        case PluginHostError.timeLimit(_, let limit): "it did not answer within \(DurationText.text(limit))"
        default: "it failed with an error"
        }
    }
}
