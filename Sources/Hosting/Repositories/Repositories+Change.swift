internal import GitStore
internal import Logging
internal import Portable
internal import SharedDatabase

extension Repositories {
    /// Makes an empty repository.
    ///
    /// The row comes first, then the folder; a node that dies between the two removes the row at its next
    /// start.
    /// - Parameter principal: Needs REPO_CREATE in the project.
    /// - Throws: ``HostingError/duplicate(what:name:)``, ``HostingError/invalid(field:message:)``.
    @discardableResult
    package func create(
        _ new: NewRepository, in project: Project, by principal: Principal
    ) async throws -> Repository {
        let (name, slug) = try NameRules.repositoryName(new.name)
        let description = try NameRules.description(new.description)
        let branch = try branchName(new.defaultBranch ?? services.settings.defaultBranch)
        let duplicate = HostingError.duplicate(what: "repository", name: name)
        let repository = try await services.write(duplicate: duplicate, changesAccess: false) {
            [services] transaction in
            guard let project = try transaction.project(id: project.id) else {
                throw HostingError.noSuchProject(key: project.key)
            }
            try transaction.require(.repoCreate, principal, project: project, services.settings)
            guard try transaction.repository(projectKey: project.key, slug: slug) == nil else {
                throw duplicate
            }
            var checked = new
            (checked.name, checked.description, checked.defaultBranch) = (name, description, branch.display)
            return try transaction.insertRepository(checked, slug: slug, in: project, node: services.node)
        }
        // Not cut short when the client leaves: a half-made repository would keep the name.
        return try await unlessCut { try await makeFolder(repository, branch: branch, by: principal) }
    }

    /// Changes what is given; the folder on disk stays where it is.
    /// - Parameter principal: Needs REPO_ADMIN, and REPO_CREATE in the project to move to.
    /// - Throws: ``HostingError/duplicate(what:name:)``, ``HostingError/noSuchBranch(name:)``,
    ///   ``HostingError/archived(project:slug:)`` for anything but unarchiving.
    package func update(
        _ repository: Repository, _ change: RepositoryChange, by principal: Principal
    ) async throws -> Repository {
        var renamed: (name: String, slug: String)?
        if let name = change.name { renamed = try NameRules.repositoryName(name) }
        let description = try change.description.map { try NameRules.description($0) }
        if let branch = change.defaultBranch {
            try await services.refs.setDefaultBranch(of: repository, to: branch, by: principal)
        }
        return try await services.change { [services, renamed] transaction in
            let current = try transaction.existing(repository)
            try transaction.require(.repoAdmin, principal, repository: current, services.settings)
            if current.isArchived, change.isArchived != false {
                throw HostingError.archived(project: current.project.key, slug: current.slug)
            }
            var target = current.project
            if let key = change.projectKey, Project.storedKey(key) != current.project.key {
                guard let project = try transaction.project(key: key) else {
                    throw HostingError.noSuchProject(key: key)
                }
                try transaction.require(.repoCreate, principal, project: project, services.settings)
                target = project
            }
            let changed = try transaction.update(
                current, name: renamed?.name ?? current.name, slug: renamed?.slug ?? current.slug,
                project: target,
                description: description ?? current.description, change)
            try services.announce(
                "repo:modified", repository: changed, before: current, by: principal, in: transaction)
            return changed
        }
    }

    /// Removes a repository: nobody finds it any more when this returns; its folder follows.
    /// - Parameter principal: Needs REPO_ADMIN.
    package func delete(_ repository: Repository, by principal: Principal) async throws {
        let gone = try await services.change { [services] transaction in
            let current = try transaction.existing(repository)
            try transaction.require(.repoAdmin, principal, repository: current, services.settings)
            try transaction.remove(current)
            try services.announce("repo:deleted", repository: current, by: principal, in: transaction)
            return current
        }
        await unlessCut { await removeFolder(gone.id) }
    }

    /// Removes the folder of a repository whose row is gone; what does not work is tried again at the next
    /// start.
    func removeFolder(_ id: RepositoryID) async {
        do {
            try await services.git.deleteRepository(at: services.layout.repository(id))
        } catch GitStoreError.notARepository {
            // Gone already.
        } catch {
            services.logger.warning(
                "folder of a deleted repository stays until the next start",
                metadata: ["repository.id": "\(id)", "error": "\(error)"])
            return
        }
        do {
            try await services.write { transaction in
                try transaction.execute("DELETE FROM repository_removal WHERE repository_id = ?", [.id(id)])
            }
        } catch {
            services.logger.warning(
                "deletion of a repository stays noted until the next start",
                metadata: ["repository.id": "\(id)", "error": "\(error)"])
        }
    }

    /// Removes what a node that died left: folders of deleted repositories, rows of repositories never made.
    func repair() async throws {
        let ids = try await services.write { [services] transaction in
            let unmade = try transaction.rows(
                "SELECT \(Repository.columns) FROM \(Repository.source) WHERE r.state = 'INITIALISING' "
                    + "AND r.creating_node = ?", [.text(services.node.rawValue)])
            for row in unmade { try transaction.remove(try Repository(row: row)) }
            return try transaction.rows("SELECT repository_id FROM repository_removal").map {
                try $0.id("repository_id", as: RepositoryID.self)
            }
        }
        for id in ids { await removeFolder(id) }
    }

    private func branchName(_ text: String) throws(HostingError) -> RefName {
        do throws(RefNameError) {
            return text.hasPrefix("refs/heads/") ? try RefName(text) : try RefName.branch(text)
        } catch {
            throw .invalid(
                field: "defaultBranch", message: "The default branch's \(error). Choose another name.")
        }
    }

    private func makeFolder(
        _ repository: Repository, branch: RefName, by principal: Principal
    ) async throws -> Repository {
        do {
            let path = services.layout.repository(repository.id)
            try await services.git.createRepository(at: path, defaultBranch: branch.display)
            return try await services.change(changesAccess: false) { [services] transaction in
                try transaction.execute(
                    "UPDATE repository SET state = 'AVAILABLE' WHERE id = ?", [.id(repository.id)])
                let ready = try transaction.existing(repository)
                try services.announce("repo:created", repository: ready, by: principal, in: transaction)
                return ready
            }
        } catch {
            // The caller is told that it did not work, so the name must be free again.
            try? await services.write { try $0.remove(repository) }
            await removeFolder(repository.id)
            if let error = error as? GitStoreError { throw HostingError(error) }
            throw error
        }
    }
}

/// Runs the body to its end even when the calling task is cancelled, and waits for it.
func unlessCut<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) async throws -> Value {
    // Owned by the caller, which waits here; only its cancellation does not reach in.
    try await Task { try await body() }.value
}

/// Runs the body to its end even when the calling task is cancelled, and waits for it.
func unlessCut<Value: Sendable>(_ body: @escaping @Sendable () async -> Value) async -> Value {
    await Task { await body() }.value
}
