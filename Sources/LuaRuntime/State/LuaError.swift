/// Why a load or a call into a Lua state gave no result.
package enum LuaError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The source does not compile; `message` begins with the plugin-relative `file:line:`.
    case syntax(message: String)
    /// An error was raised and not caught; at most 8 KiB of each text, cut with a mark.
    case runtime(message: String, traceback: String)
    /// The run used up its CPU time.
    case timeout(limit: Duration)
    /// The heap limit was reached and nothing caught it.
    case outOfMemory(limit: Int)
    /// The run was ended from outside.
    case killed(reason: String)
    /// As many calls as allowed are in flight.
    case tooManyCalls(limit: Int)
    /// The state was closed before or while the call ran.
    case closed
    /// What the function returned is no plain data.
    case invalidResult(message: String)
    /// The host side did not do its part: an unknown reference, an argument over the limits.
    case hostFailure(message: String)

    package var description: String {
        switch self {
        case .syntax(let message): "syntax error: \(message)"
        case .runtime(let message, _): message
        case .timeout(let limit): "used up its CPU time of \(limit)"
        case .outOfMemory(let limit): "used up its memory of \(limit) bytes"
        case .killed(let reason): "ended: \(reason)"
        case .tooManyCalls(let limit): "\(limit) calls are in flight, no more are taken"
        case .closed: "the Lua state is closed"
        case .invalidResult(let message): "invalid result: \(message)"
        case .hostFailure(let message): "host: \(message)"
        }
    }
}
