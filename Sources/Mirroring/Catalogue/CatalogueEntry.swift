internal import Crypto
package import Hosting
package import Portable

/// A repository as the catalogue of an upstream has it.
package struct CatalogueEntry: Sendable, Hashable {
    /// What the upstream knows of it.
    package let repository: MirroredRepository
    /// Of its refs, in hexadecimal; empty when they cannot be read at the moment.
    package let content: String
    /// Of what the upstream knows of it and of its project, in hexadecimal.
    package let metadata: String
    /// Of the refs of pull requests, in hexadecimal, empty when there are none; nil when they are not
    /// compared.
    package let pulls: String?

    /// As it goes to a mirror.
    package var portable: PortableValue {
        let known = repository
        return [
            "id": .integer(known.id.rawValue), "project": .integer(known.project.rawValue),
            "slug": .string(known.slug), "name": .string(known.name),
            "description": .optional(known.description), "public": .bool(known.isPublic),
            "forkable": .bool(known.isForkable), "archived": .bool(known.isArchived),
            "hierarchyId": .string(known.hierarchyID), "createdDate": .integer(known.createdMilliseconds),
            "defaultBranch": .string(known.defaultBranch),
            "hashes": [
                "content": .string(content), "metadata": .string(metadata), "pulls": .optional(pulls),
            ],
        ]
    }

    init(_ repository: MirroredRepository, of project: MirroredProject, content: String, pulls: String? = nil)
    {
        self.repository = repository
        self.content = content
        self.pulls = pulls
        metadata = Self.digest(repository, project)
    }

    /// Reads what ``portable`` wrote.
    init?(_ value: PortableValue) {
        guard let id = value["id"]?.integerValue, let project = value["project"]?.integerValue,
            let slug = value["slug"]?.stringValue, let name = value["name"]?.stringValue,
            let isPublic = value["public"]?.boolValue, let isForkable = value["forkable"]?.boolValue,
            let isArchived = value["archived"]?.boolValue,
            let hierarchy = value["hierarchyId"]?.stringValue,
            let created = value["createdDate"]?.integerValue,
            let branch = value["defaultBranch"]?.stringValue,
            let content = value["hashes"]?["content"]?.stringValue,
            let metadata = value["hashes"]?["metadata"]?.stringValue
        else { return nil }
        repository = MirroredRepository(
            id: RepositoryID(id), project: ProjectID(project), slug: slug, name: name,
            description: value["description"]?.stringValue, isPublic: isPublic, isForkable: isForkable,
            isArchived: isArchived, hierarchyID: hierarchy, createdMilliseconds: created,
            defaultBranch: branch)
        self.content = content
        self.metadata = metadata
        pulls = value["hashes"]?["pulls"]?.stringValue
    }

    private static func digest(_ repository: MirroredRepository, _ project: MirroredProject) -> String {
        let facts: PortableValue = [
            "id": .integer(repository.id.rawValue), "slug": .string(repository.slug),
            "name": .string(repository.name), "description": .optional(repository.description),
            "public": .bool(repository.isPublic), "forkable": .bool(repository.isForkable),
            "archived": .bool(repository.isArchived), "defaultBranch": .string(repository.defaultBranch),
            "project": project.portable,
        ]
        // Names are sorted, so equal facts are equal bytes.
        let bytes = (try? JSON.encode(facts)) ?? []
        return Array(SHA256.hash(data: bytes)).hexadecimal
    }
}

extension MirroredProject {
    /// As it goes to a mirror.
    var portable: PortableValue {
        [
            "id": .integer(id.rawValue), "key": .string(key), "name": .string(name),
            "description": .optional(description), "public": .bool(isPublic),
            "type": .string(isPersonal ? "PERSONAL" : "NORMAL"),
            "createdDate": .integer(createdMilliseconds),
        ]
    }

    /// Reads what ``portable`` wrote.
    init?(_ value: PortableValue) {
        guard let id = value["id"]?.integerValue, let key = value["key"]?.stringValue,
            let name = value["name"]?.stringValue, let isPublic = value["public"]?.boolValue,
            let type = value["type"]?.stringValue, let created = value["createdDate"]?.integerValue
        else { return nil }
        self.init(
            id: ProjectID(id), key: key, name: name, description: value["description"]?.stringValue,
            isPublic: isPublic, isPersonal: type == "PERSONAL", createdMilliseconds: created)
    }
}

/// What a mirror is to have.
package struct Catalogue: Sendable {
    /// The projects of the repositories.
    package let projects: [MirroredProject]
    /// The repositories, by project and id.
    package let entries: [CatalogueEntry]
    /// When the upstream began to look, in milliseconds since 1970.
    package let date: Int64

    /// As it goes to a mirror.
    package var portable: PortableValue {
        [
            "projects": .list(projects.map(\.portable)),
            "repositories": .list(entries.map(\.portable)), "date": .integer(date),
        ]
    }

    init(projects: [MirroredProject], entries: [CatalogueEntry], date: Int64) {
        self.date = date
        self.projects = projects
        self.entries = entries
    }

    /// Reads what ``portable`` wrote; nil for anything else.
    init?(_ value: PortableValue) {
        guard let projects = value["projects"]?.listValue, let entries = value["repositories"]?.listValue,
            let date = value["date"]?.integerValue
        else { return nil }
        self.date = date
        self.projects = projects.compactMap { MirroredProject($0) }
        self.entries = entries.compactMap { CatalogueEntry($0) }
        guard self.projects.count == projects.count, self.entries.count == entries.count else { return nil }
    }
}
