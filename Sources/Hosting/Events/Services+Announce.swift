internal import ClusterServices
internal import FoundationEssentials
internal import Portable

extension Services {
    /// Queues `project:…` for its subscribers.
    func announce(_ key: String, project: Project, before: Project? = nil, by principal: Principal) {
        var facts: [String: PortableValue] = ["project": project.portable(links: settings.baseURL)]
        if let before {
            facts["old"] = before.portable(links: settings.baseURL)
            facts["new"] = facts["project"]
        }
        announce(key, facts, repository: nil, by: principal)
    }

    /// Queues `repo:…` for its subscribers.
    func announce(_ key: String, repository: Repository, before: Repository? = nil, by principal: Principal) {
        var facts: [String: PortableValue] = ["repository": repository.portable(links: settings.baseURL)]
        if let before {
            facts["old"] = before.portable(links: settings.baseURL)
            facts["new"] = facts["repository"]
        }
        announce(key, facts, repository: repository.id, by: principal)
    }

    /// Queues an event in the webhook's shape.
    func announce(
        _ key: String, _ facts: [String: PortableValue], repository: RepositoryID?, by principal: Principal
    ) {
        var payload = facts
        payload["eventKey"] = .string(key)
        payload["date"] = .string(WebhookDate.text(milliseconds: Self.nowMilliseconds()))
        payload["actor"] = principal.portable(links: settings.baseURL)
        dispatch.publish(
            Event(
                key: key, payload: .map(payload), repository: repository,
                id: SecretDigest.randomHex(bytes: 16)))
    }

    /// This machine's clock, for what people read only; it decides nothing.
    static func nowMilliseconds() -> Int64 { Int64(clamping: Int(Date().timeIntervalSince1970 * 1000)) }
}

extension Services {
    /// Queues `repo:default_branch_modified`.
    func announceDefaultBranch(
        of repository: Repository, from before: RefName, to after: RefName, by principal: Principal
    ) {
        func shape(_ ref: RefName) -> PortableValue {
            ["id": .string(ref.full), "displayId": .string(ref.display), "type": "BRANCH"]
        }
        announce(
            "repo:default_branch_modified",
            [
                "repository": repository.portable(links: settings.baseURL), "old": shape(before),
                "new": shape(after),
            ], repository: repository.id, by: principal)
    }
}
