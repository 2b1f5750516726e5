package import GitStore
internal import Portable

/// Branches and tags: reading them, and changing them through guards, journal and event like a push.
///
/// Reading takes a repository that its caller may read; changing asks for REPO_WRITE.
package struct Refs: Sendable {
    let services: Services

    /// The branches.
    /// - Parameter filter: Part of the short name, without regard to case.
    package func branches(
        in repository: Repository, filter: String? = nil, order: RefOrder = .alphabetical, page: PageRequest
    ) async throws -> Page<Branch> {
        try await services.onDisk(repository) { git, path in
            let entries = try await git.refs(
                in: path, prefix: "refs/heads/", filter: filter, offset: page.start, limit: page.limit + 1,
                order: order)
            let head = try await git.head(in: path)
            return Page(overfetched: entries.map { Branch(entry: $0, head: head) }, request: page)
        }
    }

    /// The tags.
    /// - Parameter filter: Part of the short name, without regard to case.
    package func tags(
        in repository: Repository, filter: String? = nil, order: RefOrder = .alphabetical, page: PageRequest
    ) async throws -> Page<Tag> {
        try await services.onDisk(repository) { git, path in
            let entries = try await git.refs(
                in: path, prefix: "refs/tags/", filter: filter, offset: page.start, limit: page.limit + 1,
                order: order)
            return Page(overfetched: entries.map(Tag.init(entry:)), request: page)
        }
    }

    /// One branch, by its short or full name.
    /// - Throws: ``HostingError/noSuchBranch(name:)``.
    package func branch(_ name: String, in repository: Repository) async throws -> Branch {
        guard let ref = RefName.named(name, below: "refs/heads/") else {
            throw HostingError.noSuchBranch(name: name)
        }
        return try await services.onDisk(repository) { git, path in
            guard let entry = try await git.ref(ref, in: path) else {
                throw HostingError.noSuchBranch(name: ref.display)
            }
            return Branch(entry: entry, head: try await git.head(in: path))
        }
    }

    /// One tag, by its short or full name.
    /// - Throws: ``HostingError/noSuchTag(name:)``.
    package func tag(_ name: String, in repository: Repository) async throws -> Tag {
        guard let ref = RefName.named(name, below: "refs/tags/") else {
            throw HostingError.noSuchTag(name: name)
        }
        return try await services.onDisk(repository) { git, path in
            guard let entry = try await git.ref(ref, in: path) else {
                throw HostingError.noSuchTag(name: ref.display)
            }
            return Tag(entry: entry)
        }
    }

    /// The branch that HEAD names.
    package func defaultBranch(of repository: Repository) async throws -> DefaultBranch {
        try await services.onDisk(repository) { git, path in
            let head = try await git.head(in: path)
            guard case .branch(let name, _) = head else {
                throw HostingError.noDefaultBranch(name: "HEAD")
            }
            if let entry = try await git.ref(name, in: path) {
                return .branch(Branch(entry: entry, head: head))
            }
            let isEmpty = try await git.refs(in: path, prefix: "refs/heads/", limit: 1).isEmpty
            return .missing(name, repositoryIsEmpty: isEmpty)
        }
    }

    /// Makes HEAD name another branch.
    /// - Parameter name: Short or full; the branch must exist unless the repository is empty.
    /// - Parameter principal: Needs REPO_ADMIN.
    /// - Throws: ``HostingError/noSuchBranch(name:)``, ``HostingError/archived(project:slug:)``.
    package func setDefaultBranch(
        of repository: Repository, to name: String, by principal: Principal
    ) async throws {
        let current = try await services.read { [settings = services.settings] transaction in
            let current = try transaction.existing(repository)
            try transaction.require(.repoAdmin, principal, repository: current, settings)
            return current
        }
        guard !current.isArchived else {
            throw HostingError.archived(project: current.project.key, slug: current.slug)
        }
        guard let ref = RefName.named(name, below: "refs/heads/"), RefRules.refusal(of: ref) == nil else {
            throw HostingError.noSuchBranch(name: name)
        }
        let former = try await services.onDisk(current) { git, path in
            let exists = try await git.ref(ref, in: path) != nil
            let isEmpty = try await git.refs(in: path, prefix: "refs/heads/", limit: 1).isEmpty
            guard exists || isEmpty else { throw HostingError.noSuchBranch(name: ref.display) }
            let former = try await git.head(in: path)
            try await git.setHead(ref, in: path)
            return former
        }
        if case .branch(let before, _) = former, before != ref {
            try await services.announceDefaultBranch(of: current, from: before, to: ref, by: principal)
        }
    }
}

extension RefName {
    /// The ref that a short or full name means below a folder such as `refs/heads/`; nil when it cannot be
    /// one.
    static func named(_ name: String, below folder: String) -> RefName? {
        guard !name.isEmpty else { return nil }
        return try? RefName(name.utf8.starts(with: folder.utf8) ? name : folder + name)
    }
}

extension Branch {
    init(entry: RefEntry, head: HeadState) {
        name = entry.name
        latestCommit = entry.object
        if case .branch(let name, _) = head { isDefault = name == entry.name } else { isDefault = false }
    }
}

extension Tag {
    init(entry: RefEntry) {
        name = entry.name
        latestCommit = entry.object
        tagObject = entry.peeled == nil ? nil : entry.target
    }
}
