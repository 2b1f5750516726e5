internal import GitStore
internal import Hosting
internal import Logging
package import Portable
internal import SharedDatabase

/// What a comparison found.
package struct Comparison: Sendable, Hashable {
    /// How many repositories the upstream has for this mirror.
    package let total: Int
    /// Those whose refs differ, or that have nothing yet.
    package let differing: [RepositoryID]
    /// Those that went, as the upstream has them no more, or not for this mirror.
    package let removed: [RepositoryID]
    /// When the upstream looked, in milliseconds since 1970, by its clock.
    package let date: Int64
    /// How long it took.
    package let duration: Duration
}

extension MirrorFollower {
    /// Compares everything with the upstream, in one request, and takes over what it says of projects and
    /// repositories. What it says of one that was asked about by itself meanwhile is newer, and stays.
    /// - Throws: ``PeerError``, `HostingError`.
    package func compare() async throws -> Comparison {
        let began = ContinuousClock.now
        let mark = backlog.beginComparison()
        let local = try await hosting.repositories.mirrored()
        let ready = local.filter { $0.state == .available }.map(\.id)
        // While the upstream looks at its own.
        async let looked = hosting.git.refDigests(of: ready.map { hosting.layout.repository($0) })
        let catalogue = try await catalogue(of: nil)
        await Failpoint.mirrorCatalogue.pass(hosting.layout)
        let known = try await knownMetadata()
        let digests = Dictionary(zip(ready, await looked)) { first, _ in first }
        let lost = try await lost(local, digests)
        let changed = catalogue.entries.filter { entry in
            let id = entry.repository.id
            return lost.contains(id)
                || known[id] != entry.metadata && !backlog.isAskedAbout(id, since: mark)
        }
        try await takeOver(changed, projects: catalogue.projects, local: local)
        let wanted = Set(catalogue.entries.map(\.repository.id))
        let removed = local.map(\.id).filter {
            !wanted.contains($0) && !backlog.isAskedAbout($0, since: mark)
        }
        try await forget(removed)
        for id in changed.map(\.repository.id) + removed where backlog.isAskedAbout(id, since: mark) {
            try await refresh(id)
        }
        let differing = catalogue.entries.filter { entry in
            // What the upstream cannot read it cannot give.
            if entry.content.isEmpty { return false }
            guard !lost.contains(entry.repository.id), let known = digests[entry.repository.id], let known
            else { return true }
            return known.content != entry.content || known.pulls != entry.pulls ?? known.pulls
        }.map(\.repository.id)
        backlog.endComparison(mark, differing: differing)
        return Comparison(
            total: wanted.count, differing: differing, removed: removed, date: catalogue.date,
            duration: .now - began)
    }

    /// Gets what a repository lacks, and shows it where it may be shown.
    /// - Throws: ``PeerError``, `HostingError`, `GitStoreError`.
    package func fetch(_ work: MirrorWork) async throws -> FetchOutcome {
        fetching.begin(work.repository)
        let run = backlog.begin(work)
        var (isDone, isShown) = (false, false)
        defer {
            fetching.end(work.repository)
            backlog.end(run, isDone: isDone, isShown: isShown)
        }
        do {
            if work.kind.hasMetadata { try await refresh(work.repository) }
            var repository = try await hosting.repositories.get(work.repository)
            if repository == nil, !work.kind.hasMetadata {
                try await refresh(work.repository)
                repository = try await hosting.repositories.get(work.repository)
            }
            // Gone, or not for this mirror: there is nothing to get.
            guard let repository else {
                (isDone, isShown) = (true, true)
                return FetchOutcome()
            }
            let outcome = try await RepositoryFetch(
                hosting: hosting, upstream: connection, ssh: ssh,
                progress: { self.fetching.note($0, of: work.repository) }, prepared: prepared,
                isServing: { self.status.nodeState == .synchronized }
            ).run(work, in: repository)
            if work.phase == .publish, !outcome.hasLeftRefs { try await noteSynced(repository) }
            (isDone, isShown) = (true, work.phase == .publish)
            return outcome
        } catch {
            await noteFailed(work.repository, error)
            throw error
        }
    }

    /// Tells the upstream how far this node is with a change.
    /// - Throws: ``PeerError``.
    package func report(_ reports: [MirrorLinks.Report]) async throws {
        _ = try await connection.call(
            "POST", "mirrorServers/\(identity.id)/reports",
            body: [
                "reports": .list(
                    reports.map {
                        [
                            "repository": .integer($0.repository.rawValue),
                            "generation": .optional($0.generation),
                            "phase": .optional($0.phase?.rawValue), "error": .optional($0.error),
                        ]
                    })
            ])
    }

    /// Tells the upstream that all is here that a comparison found, and the repositories that came with it or
    /// earlier ones.
    /// - Parameter date: The comparison's.
    /// - Throws: ``PeerError``.
    package func reportCaughtUp(date: Int64, _ repositories: [RepositoryID]) async throws {
        _ = try await connection.call(
            "POST", "mirrorServers/\(identity.id)/caughtUp",
            body: [
                "date": .integer(date), "repositories": .list(repositories.map { .integer($0.rawValue) }),
            ])
    }

    private func catalogue(of repository: RepositoryID?) async throws -> Catalogue {
        let query = repository.map { "?repository=\($0)" } ?? ""
        let answer = try await connection.call(
            "GET", "mirrorServers/\(identity.id)/catalogue\(query)", timeout: .seconds(300))
        guard let catalogue = Catalogue(answer) else {
            throw PeerError.notUnderstood(url: settings.upstreamURL, reason: "it gives no catalogue")
        }
        return catalogue
    }

    /// Takes over what the upstream says of one repository, or that it is gone.
    private func refresh(_ id: RepositoryID) async throws {
        backlog.noteAsked(about: id)
        let catalogue = try await catalogue(of: id)
        if catalogue.entries.isEmpty {
            try await forget([id])
        } else {
            try await takeOver(catalogue.entries, projects: catalogue.projects, local: [])
        }
    }

    /// Finds the repositories whose folders a power cut or somebody else has taken, and says that they have
    /// nothing any more.
    private func lost(
        _ local: [Repository], _ digests: [RepositoryID: GitStore.RefDigests?]
    ) async throws -> Set<RepositoryID> {
        // Of the others the folders were read just now.
        let doubtful = local.map(\.id).filter { id in (digests[id] ?? nil)?.branch == nil }
        let lost = try await hosting.repositories.incomplete(doubtful)
        guard !lost.isEmpty else { return [] }
        logger.warning(
            "folders of repositories are gone or incomplete, and are made and fetched again",
            metadata: ["repositories": "\(lost.count)", "first": "\(lost[0])"])
        try await tables.write(durability: .process) { transaction in
            for id in lost {
                try transaction.enqueue(
                    """
                    UPDATE mirrored_repository SET status = 'INITIALIZING', content_hash = NULL,
                        synced_at = NULL, first_synced_at = NULL WHERE repository_id = ?
                    """, [.id(id)])
            }
        }
        try await hosting.repositories.markLost(lost)
        return Set(lost)
    }

    /// Makes what is new, renames and moves; what of it is done when this is killed is not done again.
    private func takeOver(
        _ entries: [CatalogueEntry], projects: [MirroredProject], local: [Repository]
    ) async throws {
        let concerned = Set(entries.map(\.repository.project))
        var projects = projects.filter { concerned.contains($0.id) }
        for batch in CatalogueEntry.batches(entries, local: local) {
            try Task.checkCancellation()
            try await hosting.repositories.follow(
                projects: projects, repositories: batch.map(\.repository))
            projects = []
            // Once its folder is there: until then the next comparison finds it changed.
            try await tables.write(durability: .process) { transaction in
                for entry in batch {
                    try transaction.enqueue(
                        """
                        INSERT INTO mirrored_repository (repository_id, status, metadata_hash, failures)
                        VALUES (?, 'INITIALIZING', ?, 0)
                        ON CONFLICT (repository_id) DO UPDATE SET metadata_hash = excluded.metadata_hash
                        """, [.id(entry.repository.id), .text(entry.metadata)])
                }
            }
        }
    }

    private func forget(_ ids: [RepositoryID]) async throws {
        guard !ids.isEmpty else { return }
        try await hosting.repositories.forget(ids)
        backlog.forget(ids)
        try await tables.write(durability: .process) { transaction in
            for id in ids {
                try transaction.execute("DELETE FROM mirrored_repository WHERE repository_id = ?", [.id(id)])
            }
        }
    }

    private func knownMetadata() async throws -> [RepositoryID: String] {
        try await tables.read { transaction in
            var known: [RepositoryID: String] = [:]
            for row in try transaction.rows("SELECT repository_id, metadata_hash FROM mirrored_repository") {
                known[try row.id("repository_id")] = try row.text("metadata_hash")
            }
            return known
        }
    }

    private func noteSynced(_ repository: Repository) async throws {
        let content = try await hosting.git.mirrorDigest(in: hosting.layout.repository(repository.id))
        try await tables.write(durability: .process) { transaction in
            let now = try transaction.now()
            try transaction.execute(
                """
                UPDATE mirrored_repository SET status = 'AVAILABLE', content_hash = ?, failures = 0,
                    last_error = NULL, synced_at = ?, first_synced_at = COALESCE(first_synced_at, ?)
                WHERE repository_id = ?
                """, [.text(content), .integer(now), .integer(now), .id(repository.id)])
        }
        let isNew = repository.state != .available
        if isNew { try await hosting.repositories.markMirrored(repository.id) }
        backlog.noteHere(repository.id, isNew: isNew)
    }

    private func noteFailed(_ id: RepositoryID, _ error: any Error) async {
        backlog.noteFailed(id, error)
        let text = String("\(error)".prefix(1000))
        _ = try? await tables.write(durability: .process) { transaction in
            try transaction.execute(
                """
                UPDATE mirrored_repository SET failures = failures + 1, last_error = ?,
                    status = CASE WHEN first_synced_at IS NULL THEN 'ERROR_INITIALIZING'
                        ELSE 'ERROR_AVAILABLE' END
                WHERE repository_id = ?
                """, [.text(text), .id(id)])
        }
    }
}
