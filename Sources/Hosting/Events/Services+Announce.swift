internal import ClusterServices
internal import FoundationEssentials
internal import Portable
internal import SharedDatabase

extension Services {
    /// Writes in one transaction, as ``write(duplicate:_:)``, in which events may be announced: they are
    /// delivered when it is committed, and only then.
    @discardableResult
    func change<Value: Sendable>(
        duplicate: HostingError? = nil, durability: Durability = .disk, changesAccess: Bool = true,
        _ body: @escaping @Sendable (DatabaseTransaction) throws -> Value
    ) async throws -> Value {
        let value = try await write(
            duplicate: duplicate, durability: durability, changesAccess: changesAccess, body)
        events.wake()
        return value
    }

    /// Announces `project:…`.
    func announce(
        _ key: String, project: Project, before: Project? = nil, by principal: Principal,
        in transaction: DatabaseTransaction
    ) throws {
        var facts: [String: PortableValue] = ["project": project.portable(links: settings.baseURL)]
        if let before {
            facts["old"] = before.portable(links: settings.baseURL)
            facts["new"] = facts["project"]
        }
        try announce(key, facts, repository: nil, by: principal, in: transaction)
    }

    /// Announces `repo:…`.
    func announce(
        _ key: String, repository: Repository, before: Repository? = nil, by principal: Principal,
        in transaction: DatabaseTransaction
    ) throws {
        var facts: [String: PortableValue] = ["repository": repository.portable(links: settings.baseURL)]
        if let before {
            facts["old"] = before.portable(links: settings.baseURL)
            facts["new"] = facts["repository"]
        }
        try announce(key, facts, repository: repository.id, by: principal, in: transaction)
    }

    /// Announces `repo:default_branch_modified`.
    func announceDefaultBranch(
        of repository: Repository, from before: RefName, to after: RefName, by principal: Principal
    ) async throws {
        func shape(_ ref: RefName) -> PortableValue {
            ["id": .string(ref.full), "displayId": .string(ref.display), "type": "BRANCH"]
        }
        let facts: [String: PortableValue] = [
            "repository": repository.portable(links: settings.baseURL), "old": shape(before),
            "new": shape(after),
        ]
        try await change(changesAccess: false) { [self] transaction in
            try announce(
                "repo:default_branch_modified", facts, repository: repository.id, by: principal,
                in: transaction)
        }
    }

    /// Announces `mirror:repo_synchronized`, which nobody in particular has caused.
    func announceSynchronized(
        _ repository: Repository, _ facts: [String: PortableValue], in transaction: DatabaseTransaction
    ) throws {
        var facts = facts
        facts["repository"] = repository.portable(links: settings.baseURL)
        try announce(
            "mirror:repo_synchronized", facts, repository: repository.id, by: nil, in: transaction)
    }

    /// Writes an event in the webhook's shape into the log, for when the transaction is committed.
    private func announce(
        _ key: String, _ facts: [String: PortableValue], repository: RepositoryID?, by principal: Principal?,
        in transaction: DatabaseTransaction
    ) throws {
        var payload = facts
        payload["eventKey"] = .string(key)
        payload["date"] = .string(WebhookDate.text(milliseconds: try transaction.now()))
        if let principal { payload["actor"] = principal.portable(links: settings.baseURL) }
        try log.append(
            key, id: SecretDigest.randomHex(bytes: 16), payload: .map(payload), repository: repository,
            in: transaction)
    }

    /// This machine's clock, for what people read only; it decides nothing.
    static func nowMilliseconds() -> Int64 { Int64(clamping: Int(Date().timeIntervalSince1970 * 1000)) }
}
