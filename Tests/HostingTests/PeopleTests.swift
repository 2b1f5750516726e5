import ClusterTestKit
import Hosting
import Portable
import SharedDatabase
import Testing

@Suite struct People {
    @Test(arguments: TestEngine.allCases)
    func aPasswordIsStoredHashedAndLogsInWithoutRegardToTheNamesCase(engine: TestEngine) async throws {
        let home = try TestHome(engine)
        let node = try await home.node()
        let jane = try await node.user("jane")
        let principal = try await node.hosting.authenticator.authenticate(
            .basic(user: "JANE", password: "secret"))
        #expect(principal.user == jane)
        let stored = try await node.database.read { transaction in
            try transaction.firstRow("SELECT password_hash FROM app_user WHERE id = ?", [.id(jane.id)])?
                .text("password_hash")
        }
        #expect(stored?.hasPrefix("scrypt$16$1$1$") == true)
        #expect(stored?.contains("secret") == false)
    }

    @Test(arguments: [
        ("jane", "wrong"), ("nobody", "secret"), ("jane", ""), ("", ""), ("jane", "pgt_secret"),
    ])
    func wrongCredentialsAreRefusedAlike(_ name: String, _ password: String) async throws {
        let home = try TestHome()
        let node = try await home.node()
        try await node.user("jane")
        await #expect(throws: HostingError.authenticationFailed) {
            try await node.hosting.authenticator.authenticate(.basic(user: name, password: password))
        }
    }

    @Test(arguments: TestEngine.allCases)
    func withoutCredentialsTheCallerIsAnonymous(engine: TestEngine) async throws {
        let home = try TestHome(engine)
        let node = try await home.node()
        #expect(try await node.hosting.authenticator.authenticate(nil) == .anonymous)
    }

    @Test(arguments: TestEngine.allCases)
    func aChangedPasswordEndsTheOldOneAtOnceAlsoWhenItWasRemembered(engine: TestEngine) async throws {
        let home = try TestHome(engine)
        let node = try await home.node()
        let jane = try await node.user("jane")
        let old = Credentials.basic(user: "jane", password: "secret")
        _ = try await node.hosting.authenticator.authenticate(old)
        _ = try await node.hosting.authenticator.authenticate(old)
        try await node.hosting.users.changeOwnPassword(
            current: "secret", new: "other", by: Principal(user: jane))
        await #expect(throws: HostingError.authenticationFailed) {
            try await node.hosting.authenticator.authenticate(old)
        }
        _ = try await node.hosting.authenticator.authenticate(.basic(user: "jane", password: "other"))
        await #expect(throws: HostingError.authenticationFailed) {
            try await node.hosting.users.changeOwnPassword(
                current: "secret", new: "x", by: Principal(user: jane))
        }
    }

    @Test(arguments: TestEngine.allCases)
    func aUserThatIsNotActiveCannotLogInAndARememberedLoginEnds(engine: TestEngine) async throws {
        let home = try TestHome(engine)
        let node = try await home.node()
        try await node.user("jane")
        _ = try await node.hosting.authenticator.authenticate(.basic(user: "jane", password: "secret"))
        _ = try await node.hosting.users.update(
            name: "jane", UserChange(active: false), by: .localOperator)
        await #expect(throws: HostingError.authenticationFailed) {
            try await node.hosting.authenticator.authenticate(.basic(user: "jane", password: "secret"))
        }
    }

    @Test(arguments: TestEngine.allCases)
    func manyLoginsAtOnceAllSucceed(engine: TestEngine) async throws {
        let home = try TestHome(engine)
        let node = try await home.node()
        try await node.user("jane")
        let names = try await withThrowingTaskGroup(of: String?.self) { group in
            for _ in 0..<50 {
                group.addTask {
                    try await node.hosting.authenticator.authenticate(
                        .basic(user: "jane", password: "secret")
                    )
                    .user?.name
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(names == Array(repeating: "jane", count: 50))
    }

    @Test(arguments: TestEngine.allCases)
    func theLocalTokenIsTheOperator(engine: TestEngine) async throws {
        let home = try TestHome(engine)
        let node = try await home.node()
        node.hosting.authenticator.setLocalToken("local-secret")
        #expect(try await node.hosting.authenticator.authenticate(.bearer("local-secret")) == .localOperator)
        await #expect(throws: HostingError.authenticationFailed) {
            try await node.hosting.authenticator.authenticate(.bearer("local-secreT"))
        }
        node.hosting.authenticator.setLocalToken(nil)
        await #expect(throws: HostingError.authenticationFailed) {
            try await node.hosting.authenticator.authenticate(.bearer("local-secret"))
        }
    }

    @Test(arguments: TestEngine.allCases)
    func theFirstAdministratorMayDoEverythingAndIsMadeOnce(engine: TestEngine) async throws {
        let home = try TestHome(engine)
        let node = try await home.node()
        #expect(try await node.hosting.users.hasSysadmin() == false)
        let password = Users.generatePassword()
        #expect(password.count == 24 && password != Users.generatePassword())
        let new = NewUser(name: "admin", displayName: "Admin", emailAddress: nil, password: password)
        let admin = try await node.hosting.users.createSysadmin(new)
        #expect(try await node.hosting.users.createSysadmin(new) == admin)
        #expect(try await node.hosting.users.hasSysadmin())
        let principal = try await node.hosting.authenticator.authenticate(
            .basic(user: "admin", password: password))
        #expect(try await node.hosting.permissions.effective(principal) == .all)
    }

    @Test(arguments: TestEngine.allCases)
    func theLastAdministratorStays(engine: TestEngine) async throws {
        let home = try TestHome(engine)
        let node = try await home.node()
        let new = NewUser(name: "admin", displayName: "Admin", emailAddress: nil, password: "x")
        try await node.hosting.users.createSysadmin(new)
        let hosting = node.hosting
        await #expect(throws: HostingError.self) {
            try await hosting.permissions.revoke(user: "admin", in: .global, by: .localOperator)
        }
        await #expect(throws: HostingError.self) {
            try await hosting.permissions.grant(.admin, toUsers: ["admin"], in: .global, by: .localOperator)
        }
        await #expect(throws: HostingError.self) {
            try await hosting.users.delete(name: "admin", by: .localOperator)
        }
        await #expect(throws: HostingError.self) {
            try await hosting.users.update(name: "admin", UserChange(active: false), by: .localOperator)
        }
        #expect(try await hosting.users.hasSysadmin())
    }

    @Test(arguments: TestEngine.allCases)
    func onlyASystemAdministratorTouchesOne(engine: TestEngine) async throws {
        let home = try TestHome(engine)
        let node = try await home.node()
        let root = try await node.hosting.users.createSysadmin(
            NewUser(name: "root", displayName: "Root", emailAddress: nil, password: "x"))
        let admin = Principal(user: try await node.user("admin"))
        let hosting = node.hosting
        try await hosting.permissions.grant(.admin, toUsers: ["admin"], in: .global, by: .localOperator)
        await #expect(throws: HostingError.self) {
            try await hosting.users.setPassword(name: "root", password: "mine", by: admin)
        }
        await #expect(throws: HostingError.self) {
            try await hosting.tokens.create(
                owner: .user(root.id), name: "t", permissions: [.projectAdmin], expiryDays: nil, by: admin)
        }
        await #expect(throws: HostingError.self) {
            try await hosting.permissions.grant(.sysAdmin, toUsers: ["admin"], in: .global, by: admin)
        }
        try await hosting.groups.create(name: "roots", by: .localOperator)
        try await hosting.permissions.grant(.sysAdmin, toGroups: ["roots"], in: .global, by: .localOperator)
        await #expect(throws: HostingError.self) {
            try await hosting.groups.add(users: ["admin"], to: "roots", by: admin)
        }
        try await node.user("bob")
        try await hosting.users.setPassword(name: "bob", password: "mine", by: admin)
    }

    @Test(arguments: TestEngine.allCases)
    func groupsGiveTheirPermissionsToTheirMembersOnly(engine: TestEngine) async throws {
        let home = try TestHome(engine)
        let node = try await home.node()
        let hosting = node.hosting
        let jane = Principal(user: try await node.user("jane"))
        try await hosting.groups.create(name: "Makers", by: .localOperator)
        try await hosting.permissions.grant(
            .projectCreate, toGroups: ["makers"], in: .global, by: .localOperator)
        #expect(try await hosting.permissions.has(.projectCreate, jane) == false)
        try await hosting.groups.add(users: ["jane"], to: "MAKERS", by: .localOperator)
        try await hosting.groups.add(users: ["jane"], to: "makers", by: .localOperator)
        #expect(try await hosting.permissions.has(.projectCreate, jane))
        let members = try await hosting.users.list(group: "makers", page: PageRequest(), by: .localOperator)
        #expect(members.values.map(\.name) == ["jane"])
        try await hosting.groups.remove(user: "jane", from: "makers", by: .localOperator)
        #expect(try await hosting.permissions.has(.projectCreate, jane) == false)
    }

    @Test(arguments: TestEngine.allCases)
    func usersAreListedByPagesAndFoundByAnyPartOfTheirNames(engine: TestEngine) async throws {
        let home = try TestHome(engine)
        let node = try await home.node()
        for name in ["ann", "bob", "cid", "d_e"] { try await node.user(name) }
        let first = try await node.hosting.users.list(
            page: PageRequest(start: 0, limit: 3), by: .localOperator)
        #expect(first.values.map(\.name) == ["ann", "bob", "cid"])
        #expect(first.nextStart == 3)
        let second = try await node.hosting.users.list(
            page: PageRequest(start: 3, limit: 3), by: .localOperator)
        #expect(second.values.map(\.name) == ["d_e"] && second.isLastPage)
        for (filter, names) in [("B@EX", ["bob"]), ("%", []), ("_", ["d_e"]), ("AN", ["ann"])] {
            let page = try await node.hosting.users.list(
                filter: filter, page: PageRequest(), by: .localOperator)
            #expect(page.values.map(\.name) == names)
        }
        await #expect(throws: HostingError.authenticationRequired) {
            try await node.hosting.users.list(page: PageRequest(), by: .anonymous)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func aUserWithRepositoriesIsNotDeletedAndIdsAreNeverUsedAgain(engine: TestEngine) async throws {
        let home = try TestHome(engine)
        let node = try await home.node()
        let hosting = node.hosting
        let jane = try await node.user("jane")
        let project = try await hosting.projects.find(key: "~jane", visibleTo: Principal(user: jane))
        let repository = try await hosting.repositories.create(
            NewRepository(name: "mine"), in: project, by: Principal(user: jane))
        await #expect(throws: HostingError.notEmpty(project: "~jane", repositories: 1)) {
            try await hosting.users.delete(name: "jane", by: .localOperator)
        }
        try await hosting.repositories.delete(repository, by: Principal(user: jane))
        try await hosting.users.delete(name: "jane", by: .localOperator)
        #expect(try await hosting.projects.find(key: "~jane") == nil)
        let again = try await node.user("jane")
        #expect(again.id > jane.id)
        await #expect(throws: HostingError.self) {
            try await hosting.projects.create(key: "ONE", name: "One", by: Principal(user: jane))
        }
    }

    @Test(arguments: TestEngine.allCases)
    func renamingAUserMovesThePersonalProjectAndOldAddressesRedirect(engine: TestEngine) async throws {
        let home = try TestHome(engine)
        let node = try await home.node()
        let hosting = node.hosting
        let jane = try await node.user("jane")
        let project = try await hosting.projects.find(key: "~JANE", visibleTo: Principal(user: jane))
        let repository = try await hosting.repositories.create(
            NewRepository(name: "mine"), in: project, by: Principal(user: jane))
        let renamed = try await hosting.users.update(
            name: "jane", UserChange(name: "janet"), by: .localOperator)
        #expect(renamed.slug == "janet")
        let found = try await hosting.repositories.access(
            projectKey: "~jane", slug: "mine", by: Principal(user: renamed))
        #expect(found.repository.id == repository.id && found.repository.project.key == "~janet")
        #expect(found.isRedirect)
    }
}
