import HTTPServing
import HTTPTypes
import Hummingbird
import Mirroring
import Portable

/// `/status`, which load balancers poll: anonymous, and small.
struct StatusRoutes {
    let node: NodeReport

    func add(to group: RouterGroup<ServingContext>) {
        group.answer(.get, "status") { request in
            let state = node.state()
            if state == .running, let mirror = node.mirror { return try await Self.answer(mirror()) }
            let strict = try request.query.flag("strict") ?? false
            return try .json(
                ["state": .string(state.rawValue)], status: Self.status(of: state, strict: strict))
        }
    }

    /// A mirror's node is fit to serve only with everything there and in touch with the others.
    /// - Source: Atlassian, "Mirror node does not appear synchronized": the fields, `memberCount` as text.
    private static func answer(_ health: MirrorHealth) throws -> Answer {
        try .json(
            [
                "state": .string(health.state), "memberCount": .string("\(health.members)"),
                "discovering": .bool(health.isDiscovering), "syncedRepos": .integer(Int64(health.synced)),
                "totalRepos": .integer(Int64(health.total)),
            ], status: health.isServing ? .ok : .serviceUnavailable)
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
