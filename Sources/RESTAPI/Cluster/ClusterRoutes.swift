import ClusterServices
import HTTPServing
import Hosting
import Hummingbird
import Portable

/// `admin/cluster`: the nodes; for administrators.
/// - Source: Bitbucket Server REST API 1.0, `admin/cluster`.
struct ClusterRoutes {
    let hosting: Hosting
    let membership: Membership

    func add(to group: RouterGroup<ServingContext>) {
        group.answer(.get, "admin/cluster") { request in
            try await hosting.permissions.require(.admin, request.principal)
            let members = try await membership.members()
            return try .json([
                "localNode": members.first(where: \.isLocal).map(\.portable) ?? .null,
                "nodes": .list(members.map(\.portable)), "running": .bool(membership.isMember),
            ])
        }
    }
}

extension ClusterMember {
    /// The shape of the REST API, with the load and the times added.
    fileprivate var portable: PortableValue {
        [
            "id": .string(nodeID), "name": .string(name),
            "address": ["hostName": .optional(address), "port": .optional(httpPort.map(Int64.init))],
            "buildVersion": .string(version), "local": .bool(isLocal),
            "incarnation": .string("\(incarnation)"), "joinedDate": .integer(joinedAt),
            "renewedDate": .integer(renewedAt), "load": .double(load),
        ]
    }
}
