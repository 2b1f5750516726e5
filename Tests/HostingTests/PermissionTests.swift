import ClusterTestKit
import Hosting
import Portable
import Testing

@Suite struct PermissionNames {
    /// What each permission implies, by the original's rules, written out.
    private static let implied: [Permission: Set<Permission>] = [
        .licensedUser: [], .projectCreate: [.licensedUser],
        .admin: Set(Permission.allCases).subtracting([.sysAdmin, .admin]),
        .sysAdmin: Set(Permission.allCases).subtracting([.sysAdmin]),
        .projectView: [], .projectRead: [.projectView, .repoRead],
        .projectWrite: [.projectView, .projectRead, .repoRead, .repoWrite],
        .repoCreate: [.projectView, .projectRead, .projectWrite, .repoRead, .repoWrite],
        .projectAdmin: [
            .projectView, .projectRead, .projectWrite, .repoCreate, .repoRead, .repoWrite, .repoAdmin,
        ],
        .repoRead: [.projectView], .repoWrite: [.repoRead, .projectView],
        .repoAdmin: [.repoWrite, .repoRead, .projectView],
    ]

    @Test(arguments: Permission.allCases)
    func aPermissionImpliesExactlyTheLowerOnes(_ permission: Permission) {
        let implied = Set(Permission.allCases.filter { permission.implies($0) })
        #expect(implied == Self.implied[permission]?.union([permission]))
    }
}

/// Who asks, in the generated matrix.
enum Asker: String, CaseIterable, Sendable {
    case anonymous, reader, writer, repoAdmin, projectReader, projectWriter, creator, projectAdmin,
        groupWriter
    case everybodyElse, unlicensed, disabled, owner, admin, sysadmin, localOperator
    case readToken, writeToken, emptyToken, adminsReadToken, projectToken, otherProjectToken, repositoryToken
}

/// What is asked for, in the generated matrix.
enum Subject: String, CaseIterable, Sendable {
    case hidden, hiddenSibling, publicRepository, inPublicProject, withDefault, personal
}

@Suite struct PermissionMatrix {
    /// What the asker holds at most on each subject: none, or a permission whose implications are all it has.
    private static func expected(_ asker: Asker, _ subject: Subject) -> Permission? {
        let isPublic = subject == .publicRepository || subject == .inPublicProject
        let inProject = subject == .hidden || subject == .hiddenSibling
        let licensed: Permission? = isPublic ? .repoRead : subject == .withDefault ? .repoWrite : nil
        switch asker {
        case .anonymous, .unlicensed, .disabled: return isPublic ? .repoRead : nil
        case .everybodyElse: return licensed
        case .reader: return subject == .hidden ? .repoRead : licensed
        case .writer, .groupWriter: return subject == .hidden ? .repoWrite : licensed
        case .repoAdmin: return subject == .hidden ? .repoAdmin : licensed
        case .projectReader: return inProject ? .repoRead : licensed
        case .projectWriter, .creator: return inProject ? .repoWrite : licensed
        case .projectAdmin: return inProject ? .repoAdmin : licensed
        case .owner: return subject == .personal ? .repoAdmin : licensed
        case .admin, .sysadmin, .localOperator: return .repoAdmin
        case .readToken: return subject == .hidden || subject == .withDefault ? .repoRead : licensed
        case .writeToken: return subject == .hidden ? .repoWrite : licensed
        case .emptyToken: return isPublic ? .repoRead : nil
        case .adminsReadToken: return .repoRead
        case .projectToken: return inProject ? .repoWrite : isPublic ? .repoRead : nil
        case .otherProjectToken: return isPublic ? .repoRead : nil
        case .repositoryToken: return subject == .hidden ? .repoAdmin : isPublic ? .repoRead : nil
        }
    }

    @Test(arguments: TestEngine.allCases)
    func eachAskerMayExactlyWhatItWasGivenAndListsAgreeWithSingleAnswers(engine: TestEngine) async throws {
        let home = try TestHome(engine)
        let node = try await home.node()
        let world = try await World(node: node)
        let repositoryPermissions: [Permission] = [.repoRead, .repoWrite, .repoAdmin]
        for asker in Asker.allCases {
            let principal = try await world.principal(asker)
            for subject in Subject.allCases {
                let repository = try #require(world.repositories[subject])
                let most = Self.expected(asker, subject)
                let effective = try await node.hosting.permissions.effective(
                    principal, repository: repository)
                for permission in repositoryPermissions {
                    #expect(
                        effective.contains(permission) == (most?.implies(permission) ?? false),
                        "\(asker) \(permission.rawValue) on \(subject)")
                }
                await Self.checkDoor(node, principal, repository, most, "\(asker) on \(subject)")
            }
            for permission in repositoryPermissions {
                try await Self.checkLists(
                    node, world, principal, permission, "\(asker) \(permission.rawValue)")
            }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func withoutAnonymousAccessNobodySeesPublicThings(engine: TestEngine) async throws {
        let home = try TestHome(engine)
        let node = try await home.node { $0.anonymousAccess = false }
        let world = try await World(node: node)
        for repository in world.repositories.values {
            #expect(try await node.hosting.permissions.effective(.anonymous, repository: repository) == .none)
        }
        let listed = try await node.hosting.repositories.list(
            RepositoryFilter(), page: PageRequest(), by: .anonymous)
        #expect(listed.values.isEmpty)
        #expect(try await node.hosting.projects.list(page: PageRequest(), by: .anonymous).values.isEmpty)
        let user = try await world.principal(.everybodyElse)
        let readable = try await node.hosting.repositories.list(
            RepositoryFilter(), page: PageRequest(), by: user)
        #expect(Set(readable.values.map(\.slug)) == ["publicrepository", "inpublicproject", "withdefault"])
    }

    /// The door answers 404 to who may not read, a refusal to who may not write, and lets the rest in.
    private static func checkDoor(
        _ node: TestNode, _ principal: Principal, _ repository: Repository, _ most: Permission?,
        _ what: Comment
    ) async {
        let key = repository.project.key
        do {
            let access = try await node.hosting.repositories.access(
                projectKey: key, slug: repository.slug, by: principal)
            #expect(most?.implies(.repoRead) == true, what)
            do {
                try access.requirePushable(by: principal)
                #expect(most?.implies(.repoWrite) == true, what)
            } catch {
                #expect(most?.implies(.repoWrite) != true, what)
                let isRefusal =
                    error == .authenticationRequired
                    || error.message.contains("REPO_WRITE")
                #expect(isRefusal, what)
            }
        } catch {
            #expect(most == nil, what)
            #expect(error as? HostingError == .noSuchRepository(project: key, slug: repository.slug), what)
        }
    }

    private static func checkLists(
        _ node: TestNode, _ world: World, _ principal: Principal, _ permission: Permission, _ what: Comment
    ) async throws {
        let filter = RepositoryFilter(permission: permission)
        let listed = try await node.hosting.repositories.list(filter, page: PageRequest(), by: principal)
        var allowed: Set<RepositoryID> = []
        for repository in world.repositories.values
        where try await node.hosting.permissions.has(permission, principal, repository: repository) {
            allowed.insert(repository.id)
        }
        #expect(Set(listed.values.map(\.id)) == allowed, what)
        for permission in [Permission.projectView, .projectRead, .projectWrite, .projectAdmin] {
            let projects = try await node.hosting.projects.list(
                permission: permission, page: PageRequest(), by: principal)
            var visible: Set<ProjectID> = []
            for project in world.projects.values where project.kind == .normal {
                if try await node.hosting.permissions.has(permission, principal, project: project) {
                    visible.insert(project.id)
                }
            }
            #expect(Set(projects.values.map(\.id)) == visible, "\(what) \(permission.rawValue)")
        }
    }
}

/// The users, projects, repositories and tokens of the matrix.
struct World: Sendable {
    private let node: TestNode
    private(set) var projects: [String: Project] = [:]
    private(set) var repositories: [Subject: Repository] = [:]
    private var users: [String: User] = [:]

    init(node: TestNode) async throws {
        self.node = node
        for name in [
            "reader", "writer", "repoadmin", "preader", "pwriter", "creator", "padmin", "gwriter", "other",
        ] {
            users[name] = try await node.user(name)
        }
        users["disabled"] = try await node.user("disabled")
        users["unlicensed"] = try await node.user("unlicensed", joinsDefaultGroup: false)
        users["owner"] = try await node.user("owner")
        users["admin"] = try await node.user("admin")
        users["sysadmin"] = try await node.hosting.users.createSysadmin(
            NewUser(name: "sysadmin", displayName: "S", emailAddress: nil, password: "secret"))
        try await makeRepositories()
        try await grant()
    }

    private mutating func makeRepositories() async throws {
        projects["HID"] = try await node.project("HID")
        projects["PUB"] = try await node.project("PUB", isPublic: true)
        projects["MIX"] = try await node.project("MIX")
        projects["DEF"] = try await node.project("DEF")
        projects["~owner"] = try await node.hosting.projects.find(
            key: "~owner", visibleTo: Principal(user: try user("owner")))
        let places: [(Subject, String, Bool)] = [
            (.hidden, "HID", false), (.hiddenSibling, "HID", false), (.publicRepository, "MIX", true),
            (.inPublicProject, "PUB", false), (.withDefault, "DEF", false), (.personal, "~owner", false),
        ]
        for (subject, key, isPublic) in places {
            repositories[subject] = try await node.repository(
                subject.rawValue, in: try project(key), isPublic: isPublic)
        }
    }

    private func grant() async throws {
        let permissions = node.hosting.permissions
        let repository = PermissionScope.repository(try #require(repositories[.hidden]).id)
        let project = PermissionScope.project(try self.project("HID").id)
        let operatorRole = Principal.localOperator
        try await permissions.grant(
            .repoRead, toUsers: ["reader", "disabled", "unlicensed"], in: repository, by: operatorRole)
        try await permissions.grant(.repoWrite, toUsers: ["writer"], in: repository, by: operatorRole)
        try await permissions.grant(.repoAdmin, toUsers: ["repoadmin"], in: repository, by: operatorRole)
        try await permissions.grant(.projectRead, toUsers: ["preader"], in: project, by: operatorRole)
        try await permissions.grant(.projectWrite, toUsers: ["pwriter"], in: project, by: operatorRole)
        try await permissions.grant(.repoCreate, toUsers: ["creator"], in: project, by: operatorRole)
        try await permissions.grant(.projectAdmin, toUsers: ["padmin"], in: project, by: operatorRole)
        try await permissions.grant(.admin, toUsers: ["admin"], in: .global, by: operatorRole)
        try await node.hosting.groups.create(name: "writers", by: operatorRole)
        try await node.hosting.groups.add(users: ["gwriter"], to: "writers", by: operatorRole)
        try await permissions.grant(.repoWrite, toGroups: ["writers"], in: repository, by: operatorRole)
        try await permissions.setEverybody(
            .projectWrite, allow: true, in: try self.project("DEF"), by: operatorRole)
    }

    /// The principal of an asker, logged in afresh.
    func principal(_ asker: Asker) async throws -> Principal {
        switch asker {
        case .anonymous: return .anonymous
        case .localOperator: return .localOperator
        case .reader: return Principal(user: try user("reader"))
        case .writer: return Principal(user: try user("writer"))
        case .repoAdmin: return Principal(user: try user("repoadmin"))
        case .projectReader: return Principal(user: try user("preader"))
        case .projectWriter: return Principal(user: try user("pwriter"))
        case .creator: return Principal(user: try user("creator"))
        case .projectAdmin: return Principal(user: try user("padmin"))
        case .groupWriter: return Principal(user: try user("gwriter"))
        case .everybodyElse: return Principal(user: try user("other"))
        case .unlicensed: return Principal(user: try user("unlicensed"))
        case .owner: return Principal(user: try user("owner"))
        case .admin: return Principal(user: try user("admin"))
        case .sysadmin: return Principal(user: try user("sysadmin"))
        case .disabled:
            return Principal(
                user: try await node.hosting.users.update(
                    name: "disabled", UserChange(active: false), by: .localOperator))
        case .readToken: return try await token(of: "writer", [.repoRead])
        case .writeToken: return try await token(of: "writer", [.repoWrite])
        case .emptyToken: return try await token(of: "writer", [])
        case .adminsReadToken: return try await token(of: "admin", [.projectRead])
        case .projectToken: return try await login(.project(try project("HID").id), [.projectWrite])
        case .otherProjectToken: return try await login(.project(try project("MIX").id), [])
        case .repositoryToken:
            return try await login(.repository(try #require(repositories[.hidden]).id), [.repoAdmin])
        }
    }

    private func user(_ name: String) throws -> User { try #require(users[name]) }

    private func project(_ key: String) throws -> Project { try #require(projects[key]) }

    private func token(of name: String, _ permissions: [Permission]) async throws -> Principal {
        try await login(.user(try user(name).id), permissions)
    }

    private func login(_ owner: TokenOwner, _ permissions: [Permission]) async throws -> Principal {
        let created = try await node.hosting.tokens.create(
            owner: owner, name: "matrix", permissions: permissions, expiryDays: 1, by: .localOperator)
        let principal = try await node.hosting.authenticator.authenticate(.bearer(created.secretText))
        _ = try await node.hosting.tokens.update(
            created.token.id, owner: owner, name: "matrix \(created.token.id)", permissions: nil,
            by: .localOperator)
        return principal
    }
}
