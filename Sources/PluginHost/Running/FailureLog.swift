import Logging
import LuaRuntime

/// Says what went wrong in a plugin: to its log with everything, to others in a clause.
enum FailureLog {
    /// Writes one error line with the traceback, within the limits of the log.
    static func write(_ error: any Error, while doing: String, to log: PluginLog, event: String? = nil) {
        var metadata: Logger.Metadata = ["error": "\(error)"]
        if let event { metadata["event.id"] = "\(event)" }
        if case LuaError.runtime(_, let traceback) = error, !traceback.isEmpty {
            metadata["traceback"] = "\(traceback)"
        }
        log.write(.error, "plugin failed while \(doing)", fields: metadata)
    }

    /// Whether the plugin was being stopped, so that the run says nothing about what it was about.
    static func isStop(_ error: any Error) -> Bool {
        switch error {
        case LuaError.closed, PluginHostError.stopped, PluginHostError.quarantined: true
        default: false
        }
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
        case PluginHostError.quarantined: "quarantined"
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
        case PluginHostError.quarantined: "it is in quarantine, because runs of it kept being ended"
        default: "it failed with an error"
        }
    }
}
