/// How a host function tells Lua that it did not do what was asked.
package enum HostFailure: Error, Sendable, Hashable, CustomStringConvertible {
    /// The plugin's mistake: raised as a Lua error at the caller's line.
    case misuse(String)
    /// An outcome that a correct plugin meets: returned as `nil, {code =, message =}`.
    case outcome(code: Code, message: String)

    /// The manifest does not ask for what the function needs: raised as misuse, counted and audited.
    case denied(function: String, HostPermission)

    /// A method's object has ended.
    package static func isOver(_ function: String) -> HostFailure {
        .misuse("\(function): the object belongs to a run that is over")
    }

    /// A method's object is of another class.
    package static func isOther(_ function: String) -> HostFailure {
        .misuse("\(function) is called on something else")
    }

    /// The codes of outcomes.
    package enum Code: String, Sendable, Hashable, CaseIterable {
        case notFound = "not_found"
        case timeout
        case conflict
        case fenced
        case unavailable
        case quota
        case cancelled
        case refused
    }

    /// The message.
    package var description: String {
        switch self {
        case .misuse(let message): message
        case .outcome(_, let message): message
        case .denied(let function, let permission):
            "permission denied: \(function) needs \(permission.manifestLine) in plugin.json, "
                + "\"permissions\""
        }
    }
}
