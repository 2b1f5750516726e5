package import ClusterServices
internal import GitStore
package import Portable

extension Refs {
    /// Makes a branch at a commit.
    /// - Parameter startPoint: A branch, tag or commit.
    /// - Throws: ``HostingError/duplicate(what:name:)``, ``HostingError/noSuchCommit(revision:)``,
    ///   ``HostingError/refused(text:)``.
    package func createBranch(
        in repository: Repository, name: String, startPoint: String, by principal: Principal
    ) async throws -> Branch {
        try await services.pushes.requirePushable(repository, by: principal)
        let ref = try newRef(name, below: "refs/heads/", what: "branch")
        let commit = try await services.contents.resolve(startPoint, in: repository)
        try await requireAbsent(ref, what: "branch", in: repository)
        try await update(
            [RefChange(ref: ref, from: .zero, to: commit)], in: repository, trigger: .branchCreate,
            by: principal)
        return try await branch(ref.full, in: repository)
    }

    /// Removes a branch; one that is gone is fine.
    /// - Parameter expected: The tip that the caller believes in; nil = whatever it is.
    /// - Parameter dryRun: Only check whether it could be done.
    /// - Throws: ``HostingError/invalid(field:message:)`` when the tip is another, and for the default
    ///   branch.
    package func deleteBranch(
        in repository: Repository, name: String, expected: ObjectID? = nil, dryRun: Bool = false,
        by principal: Principal
    ) async throws {
        try await services.pushes.requirePushable(repository, by: principal)
        let branch: Branch
        do {
            branch = try await self.branch(name, in: repository)
        } catch HostingError.noSuchBranch {
            return
        }
        if let expected, expected != branch.latestCommit {
            throw HostingError.invalid(
                field: "endPoint",
                message:
                    "\(branch.name.display) is at \(branch.latestCommit.short), not at \(expected.short). "
                    + "Look again.")
        }
        guard !branch.isDefault else {
            throw HostingError.invalid(
                field: "name",
                message: "\(branch.name.display) is the default branch and cannot be deleted. "
                    + "Make another branch the default first.")
        }
        guard !dryRun else { return }
        let change = RefChange(ref: branch.name, from: branch.latestCommit, to: .zero)
        try await update([change], in: repository, trigger: .branchDelete, by: principal)
    }

    /// Makes a tag.
    /// - Parameter message: What an annotated tag says; nil or empty for a lightweight tag.
    /// - Throws: ``HostingError/duplicate(what:name:)``, ``HostingError/noSuchCommit(revision:)``,
    ///   ``HostingError/refused(text:)``.
    package func createTag(
        in repository: Repository, name: String, startPoint: String, message: String? = nil,
        by principal: Principal
    ) async throws -> Tag {
        try await services.pushes.requirePushable(repository, by: principal)
        let ref = try newRef(name, below: "refs/tags/", what: "tag")
        let commit = try await services.contents.resolve(startPoint, in: repository)
        try await requireAbsent(ref, what: "tag", in: repository)
        var target = commit
        if let message, !message.isEmpty {
            let tagger = Signature(principal, timestamp: Services.nowMilliseconds())
            target = try await services.onDisk(repository) { git, path in
                try await git.createAnnotatedTag(
                    name: ref.display, target: commit, message: message, tagger: tagger, in: path)
            }
        }
        try await update(
            [RefChange(ref: ref, from: .zero, to: target)], in: repository, trigger: .tagCreate, by: principal
        )
        return try await tag(ref.full, in: repository)
    }

    /// Removes a tag.
    /// - Throws: ``HostingError/noSuchTag(name:)``.
    package func deleteTag(in repository: Repository, name: String, by principal: Principal) async throws {
        try await services.pushes.requirePushable(repository, by: principal)
        let tag = try await tag(name, in: repository)
        let change = RefChange(ref: tag.name, from: tag.tagObject ?? tag.latestCommit, to: .zero)
        try await update([change], in: repository, trigger: .tagDelete, by: principal)
    }

    /// Moves refs, all or none, through guards, journal and event.
    /// - Parameter fences: What must hold when the change is written down, before a ref moves. Who is
    ///   overtaken after that is refused by the refs' old values.
    /// - Throws: ``HostingError/refused(text:)``, ``HostingError/conflict(message:)`` when a ref is not where
    ///   the
    ///   change says; `LockError` when a fence says that it is too late; as
    ///   ``Pushes/requirePushable(_:by:)``.
    package func update(
        _ changes: [RefChange], in repository: Repository, trigger: PushTrigger, by principal: Principal,
        fences: [WriteFence] = []
    ) async throws {
        try await services.pushes.requirePushable(repository, by: principal)
        let push = ProposedPush(
            id: PushID(SecretDigest.randomHex(bytes: 16)), repository: repository, principal: principal,
            changes: changes, trigger: trigger, pushOptions: [], quarantine: nil)
        if case .refuse(let text) = await services.judge(push) { throw HostingError.refused(text: text) }
        // Not cut short when the caller leaves: refs that have moved must be confirmed.
        try await unlessCut { try await commit(push, fences) }
    }

    /// That no change of a ref has come with a greater token; for ``update(_:in:trigger:by:fences:)``.
    /// - Parameter scope: Whose tokens they are, such as a plugin's: they are compared with no others.
    package static func fence(
        _ ref: RefName, in repository: RepositoryID, scope: String, token: Int64
    ) -> WriteFence {
        .token(
            namespace: fenceNamespace(of: repository), resource: "\(scope) \(ref.full)", token: token)
    }

    /// Where the tokens of a repository's refs are kept; they go with the repository.
    static func fenceNamespace(of repository: RepositoryID) -> String { "refs/\(repository.rawValue)" }

    /// Moves the refs of a change that nobody objects to.
    func commit(_ push: ProposedPush, _ fences: [WriteFence]) async throws {
        services.sessions.begin(push.id)
        services.sessions.commit(push.id, in: push.repository.id, push.changes)
        defer { services.sessions.end(push.id) }
        try await services.journal.intend(
            push.id, repository: push.repository.id, user: push.principal.user?.id, trigger: push.trigger,
            changes: push.changes, fences: fences)
        do {
            try await services.moveRefs(push)
        } catch {
            do {
                if error.leavesRefsAlone {
                    try await services.journal.discard(push.id)
                } else {
                    try await services.journal.settle(push.id)
                }
            } catch {
                services.sessions.end(push.id)
                services.settlements.add(push.repository.id)
            }
            throw (error as? GitStoreError).map { HostingError($0) } ?? error
        }
        await services.sessions.waitForEarlier(than: push.id)
        do {
            try await services.journal.confirm(push.id, repository: push.repository.id, changes: push.changes)
        } catch {
            // The refs have moved, so the event must come, whatever the caller is told.
            services.sessions.end(push.id)
            services.settlements.add(push.repository.id)
            throw error
        }
    }

    private func newRef(_ name: String, below folder: String, what: String) throws(HostingError) -> RefName {
        let ref: RefName
        do throws(RefNameError) {
            guard !name.isEmpty else { throw .empty }
            ref = try RefName(name.utf8.starts(with: folder.utf8) ? name : folder + name)
        } catch {
            throw .invalid(
                field: "name", message: "A \(what) cannot be named so: its \(error). Choose another name.")
        }
        if let text = RefRules.refusal(of: ref) { throw .invalid(field: "name", message: text) }
        return ref
    }

    private func requireAbsent(_ ref: RefName, what: String, in repository: Repository) async throws {
        let entry = try await services.onDisk(repository) { git, path in try await git.ref(ref, in: path) }
        guard entry == nil else { throw HostingError.duplicate(what: what, name: ref.display) }
    }
}

extension Services {
    /// Moves the refs of a change, all or none: few of them in this process, which is quicker.
    fileprivate func moveRefs(_ push: ProposedPush) async throws {
        let updates = push.changes.map { RefUpdate(name: $0.ref, old: $0.from, new: $0.to) }
        let path = layout.repository(push.repository.id)
        let isPlain = push.trigger == .mirror && !push.changes.contains { $0.to.isZero }
        guard isPlain, updates.count <= GitStore.directRefsMax else {
            return try await git.updateRefs(updates, in: path)
        }
        let failures = try await git.moveRefs(updates, isAtomic: true, in: path)
        if let failure = failures.values.first { throw failure }
    }
}

extension Error {
    /// Whether the refs are certainly as they were, so that the disk need not be asked: it could show a value
    /// that
    /// somebody else has set.
    fileprivate var leavesRefsAlone: Bool {
        switch self as? GitStoreError {
        case .refConflict, .refBlocked, .noSuchObject, .wrongType, .invalidName, .locked, .notARepository:
            true
        default: false
        }
    }
}

extension Signature {
    /// As whom a principal makes an annotated tag.
    fileprivate init(_ principal: Principal, timestamp: Int64) {
        let name = principal.user?.displayName ?? "Perigee"
        self.init(
            name: name.filter { $0 != "<" && $0 != ">" }, email: principal.user?.emailAddress ?? "",
            timestamp: timestamp)
    }
}
