internal import Hosting
package import Portable
internal import SharedDatabase

extension MirrorFollower {
    /// What this node has.
    struct Inventory: Sendable {
        let version: UInt64
        let copies: IDList
        let failing: IDList
    }

    /// What the upstream does not know yet of what this node has; nil when there is nothing to tell.
    func inventory(isFirst: Bool) async -> Inventory? {
        guard let version = backlog.versionToTell(isFirst: isFirst) else { return nil }
        let rows = try? await tables.read { transaction in
            try transaction.rows("SELECT repository_id, status FROM mirrored_repository").map { row in
                (
                    id: try row.id("repository_id") as RepositoryID,
                    status: MirroredStatus(rawValue: try row.text("status")) ?? .initializing
                )
            }
        }
        guard let rows else { return nil }
        let failing = rows.filter { $0.status == .errorAvailable || $0.status == .errorInitializing }
        backlog.remember(failing: failing.map(\.id))
        return Inventory(
            version: version, copies: IDList(rows.filter(\.status.isAvailable).map(\.id.rawValue)),
            failing: IDList(failing.map(\.id.rawValue)))
    }

    /// What this node adds to its question: where it serves SSH, what waits, and what it has.
    func facts(_ inventory: Inventory?) -> [String: PortableValue] {
        let depth = backlog.depth
        return [
            "ssh": .optional(hosting.settings.baseURL.ssh), "waiting": .integer(Int64(depth.count)),
            "behind": .integer(Int64(clamping: Int(depth.oldest / .milliseconds(1)))),
            "copies": .optional(inventory?.copies.text), "failing": .optional(inventory?.failing.text),
        ]
    }

    /// What is not as it is on the upstream for longer than a time: repositories that wait, and those whose
    /// last fetch failed.
    package func outOfSync(longerThan time: Duration) async throws -> [RepositoryID] {
        let now = ContinuousClock.now
        let late = backlog.waiting.filter { now - $0.since > time }.map(\.repository)
        let failing = try await copies().filter { $0.status != .available }.map(\.repository)
        return Set(late + failing).sorted()
    }

    /// Asks the upstream for something in the name of somebody else.
    /// - Parameter path: Below `/rest/mirroring/1.0/mirrorServers/{id}/`, with its query.
    /// - Parameter authorization: What the caller has shown; nil for this mirror itself, which may read.
    /// - Returns: The answer's status and body, also of an error.
    /// - Throws: ``PeerError`` when there is no answer.
    package func relay(
        _ method: String, _ path: String, authorization: String?, body: [UInt8]
    ) async throws(PeerError) -> (status: Int, body: [UInt8]) {
        let target = "mirrorServers/\(identity.id)/\(path)"
        var shown = authorization
        if shown == nil { shown = try connection.authorization(method, target, body: body) }
        let answer = try await connection.client.send(
            method, connection.baseURL + UpstreamConnection.root + target, authorization: shown,
            headers: body.isEmpty ? [] : [("Content-Type", "application/json")],
            body: body.isEmpty ? nil : .bytes(body), timeout: .seconds(30), acceptsErrors: true)
        return (answer.status, try await answer.collect(upTo: 4 * 1024 * 1024))
    }

    /// Whether a link to a repository of this mirror was signed by the upstream, and holds.
    package func accepts(link text: String, to repository: RepositoryID) -> Bool {
        guard let key = upstreamKey else { return false }
        let link = RepositoryLink(text, publicKey: key, now: Clock.now)
        return link?.mirror == identity.id && link?.repository == repository
    }
}
