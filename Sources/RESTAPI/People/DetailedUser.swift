import Hosting
import Portable

extension User {
    /// The user as administrators see it: with what may be changed.
    func detailed(links: BaseURL) -> PortableValue {
        guard var fields = portable(links: links).mapValue else { return portable(links: links) }
        fields["directoryName"] = "Perigee Internal Directory"
        fields["deletable"] = true
        fields["mutableDetails"] = true
        fields["mutableGroups"] = true
        return .map(fields)
    }
}

extension Group {
    /// The group as administrators see it.
    var detailed: PortableValue { ["name": .string(name), "deletable": true] }
}
