import ClusterServices
import PluginHost
import Portable

/// `perigee.cluster`: the nodes.
enum ClusterModule {
    static func module(_ services: HostServices) -> HostModule {
        HostModule(
            "cluster", summary: "Tells which nodes the cluster has, and which one this is.",
            notes: """
                A single server is a cluster of one node. What these functions tell may have changed by the
                time the plugin acts on it: to do something on one node alone, take a lock or schedule a job.
                """,
            records: [Records.error, member], functions: [node(services), members(services)])
    }

    private static let member = HostRecord(
        "ClusterNode", "A node of the cluster.",
        [
            HostField("id", .string, "Which node, over all its starts."),
            HostField("name", .string, "What people call it."),
            HostField("version", .string, "The release that it runs."),
            HostField("address", .string, "Where other machines reach it.", isOptional: true),
            HostField(
                "joined_at", .integer,
                "When it joined: milliseconds since 1970 by the database's clock; `node` does not give it.",
                isOptional: true),
            HostField("is_local", .boolean, "Whether it is this node."),
        ])

    private static func node(_ services: HostServices) -> HostFunction {
        HostFunction(
            "node", summary: "Gives this node.",
            results: [
                HostResult("node", .record("ClusterNode"), "This node."),
                HostResult("is_member", .boolean, "Whether it is part of the cluster for certain now."),
            ],
            example: """
                local node, is_member = perigee.cluster.node()
                perigee.log.info("here", { node = node.name, member = is_member })
                """,
            body: .quick { call in
                let membership = try services.present(services.cluster.membership)
                let identity = membership.identity
                call.giveFields { node in
                    node.set("id", identity.nodeID)
                    node.set("name", identity.name)
                    node.set("version", identity.version)
                    node.set("address", identity.address)
                    node.set("is_local", true)
                }
                call.give(membership.isMember)
            })
    }

    private static func members(_ services: HostServices) -> HostFunction {
        HostFunction(
            "members", summary: "Gives the nodes of the cluster, in the order in which they joined.",
            results: [
                HostResult(
                    "nodes", .list(.record("ClusterNode")), "`nil` when that cannot be known now.",
                    isOptional: true),
                HostResult("err", .record("Error"), "`unavailable`.", isOptional: true),
            ],
            example: """
                for _, node in ipairs(perigee.cluster.members() or {}) do
                  perigee.log.info("node", { name = node.name, here = node.is_local })
                end
                """,
            body: .waiting { _ in
                let members = try await services.require(\.cluster.membership).members()
                return [
                    .list(
                        members.sorted { $0.incarnation.rawValue < $1.incarnation.rawValue }.map { member in
                            .map(
                                record(
                                    id: member.nodeID, name: member.name, version: member.version,
                                    address: member.address, joinedAt: member.joinedAt,
                                    isLocal: member.isLocal))
                        })
                ]
            })
    }

    private static func record(
        id: String, name: String, version: String, address: String?, joinedAt: Int64?, isLocal: Bool
    ) -> [String: PortableValue] {
        [
            "id": .string(id), "name": .string(name), "version": .string(version),
            "address": .optional(address), "joined_at": .optional(joinedAt), "is_local": .bool(isLocal),
        ]
    }
}
