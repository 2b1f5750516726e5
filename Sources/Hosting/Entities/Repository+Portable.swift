package import Portable

extension Repository {
    /// The repository in the shape of REST and webhooks.
    package func portable(links: BaseURL) -> PortableValue {
        var fields: [String: PortableValue] = [
            "slug": .string(slug), "id": .integer(id.rawValue), "name": .string(name),
            "hierarchyId": .string(hierarchyID), "scmId": "git", "state": .string(state.rawValue),
            "statusMessage": .string(statusMessage), "forkable": .bool(isForkable),
            "archived": .bool(isArchived),
            "public": .bool(isPublic), "partition": 0, "scope": "REPOSITORY",
            "project": project.portable(links: links), "links": .map(self.links(below: links)),
        ]
        if let description { fields["description"] = .string(description) }
        return .map(fields)
    }

    /// The address to clone from over HTTP.
    package func cloneURL(links: BaseURL) -> String {
        "\(links.text)/scm/\(project.key.lowercased())/\(slug).git"
    }

    /// The address to clone from over SSH; nil where there is no such door.
    package func sshURL(links: BaseURL) -> String? {
        links.ssh.map { "\($0)/\(project.key.lowercased())/\(slug).git" }
    }

    private var statusMessage: String {
        switch state {
        case .available: "Available"
        case .initialising: "Initialising"
        case .initialisationFailed: "Initialisation failed"
        }
    }

    private func links(below base: BaseURL) -> [String: PortableValue] {
        let owner = project.owner.map { "/users/" + $0.slug } ?? "/projects/" + project.key
        var clone: [PortableValue] = [["href": .string(cloneURL(links: base)), "name": "http"]]
        if let ssh = sshURL(links: base) { clone.append(["href": .string(ssh), "name": "ssh"]) }
        return [
            "clone": .list(clone),
            "self": [["href": .string("\(base.text)\(owner)/repos/\(slug)/browse")]],
        ]
    }
}
