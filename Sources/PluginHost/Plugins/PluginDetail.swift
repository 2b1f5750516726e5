package import Portable

/// What `perigee plugin show` prints.
package struct PluginDetail: Sendable, Hashable {
    /// The same as in the list.
    package let summary: PluginSummary
    /// Where it was read from: a folder or a packed file.
    package let location: String
    /// The permissions its manifest asks for, one text each, such as `kv: 16MiB`; sorted.
    package let permissions: [String]
    /// What it registered while its main chunk ran, such as `events.on repo:refs_changed`; in order.
    package let registrations: [String]
    /// Other copies of the same plugin that were found and are not used, with the reason.
    package let shadowed: [String]
    /// Figures since the node started.
    package let statistics: PluginStatistics

    /// The JSON shape that the REST API and the command line share.
    package var portable: PortableValue {
        guard case .map(var map) = summary.portable else { return summary.portable }
        map["location"] = .string(location)
        map["permissions"] = .list(permissions.map(PortableValue.string))
        map["registrations"] = .list(registrations.map(PortableValue.string))
        map["shadowed"] = .list(shadowed.map(PortableValue.string))
        map["statistics"] = statistics.portable
        return .map(map)
    }
}
