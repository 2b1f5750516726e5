import HTTPServing
import HTTPTypes
import Hummingbird
import Portable

/// `/status`, which load balancers poll: anonymous, and small.
struct StatusRoutes {
    let node: NodeReport

    func add(to group: RouterGroup<ServingContext>) {
        group.answer(.get, "status") { request in
            let state = node.state()
            let strict = try request.query.flag("strict") ?? false
            return try .json(
                ["state": .string(state.rawValue)], status: Self.status(of: state, strict: strict))
        }
    }

    /// MAINTENANCE answers 200 as in the original, so that balancers keep the node; with `strict` it is 503.
    private static func status(of state: NodeState, strict: Bool) -> HTTPResponse.Status {
        switch state {
        case .firstRun, .running: .ok
        case .maintenance: strict ? .serviceUnavailable : .ok
        case .starting, .stopping: .serviceUnavailable
        case .error: .internalServerError
        }
    }
}
