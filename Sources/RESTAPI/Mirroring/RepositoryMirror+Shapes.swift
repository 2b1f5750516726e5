import Hosting
import Mirroring
import Portable

extension RepositoryMirror {
    /// Where the repository is cloned from at the mirror.
    func cloneLinks(of repository: Repository) -> PortableValue {
        let base = BaseURL(mirror.properties.baseURL)
        base.setSSH(sshURL)
        return repository.cloneLinks(base)
    }

    /// `RestMirroredRepositoryDescriptor`, with what the link in it leads to.
    /// - Parameter link: The address of the repository's resource on the mirror.
    func descriptor(of repository: Repository, link: String) -> PortableValue {
        let clone = cloneLinks(of: repository)
        return [
            "mirrorServer": mirror.serverShape, "available": .bool(isAvailable),
            "status": .string(status.rawValue), "repositoryId": .string("\(repository.id)"),
            "mirrorName": .string(mirror.properties.name), "preferred": .bool(isPreferred),
            "cloneUrls": clone, "pushUrls": clone,
            "links": ["self": [["href": .string(link)]], "clone": clone, "push": clone],
        ]
    }
}

extension Repository {
    /// Adds `links.mirrors` to the repository's own shape: where else it can be cloned from now, each entry
    /// in the form of `links.clone`, which stays as it is, as clients choose from it by name.
    func adding(_ mirrors: [RepositoryMirror], to shape: PortableValue) -> PortableValue {
        let available = mirrors.filter(\.isAvailable)
        guard !available.isEmpty, case .map(var fields) = shape, case .map(var links)? = fields["links"]
        else { return shape }
        links["mirrors"] = .list(
            available.flatMap { entry in
                (entry.cloneLinks(of: self).listValue ?? []).compactMap { link -> PortableValue? in
                    guard case .map(var named) = link else { return nil }
                    named["mirrorId"] = .string(entry.mirror.id.rawValue)
                    named["mirrorName"] = .string(entry.mirror.properties.name)
                    named["preferred"] = .bool(entry.isPreferred)
                    return .map(named)
                }
            })
        fields["links"] = .map(links)
        return .map(fields)
    }
}
