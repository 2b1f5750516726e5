import ClusterTestKit
import Hosting
import Portable
import SharedDatabase
import Testing

@Suite struct AccessTokenLife {
    @Test(arguments: TestEngine.allCases)
    func theSecretIsShownOnceAndStoredHashed(engine: TestEngine) async throws {
        let home = try TestHome(engine)
        let node = try await home.node()
        let jane = try await node.user("jane")
        let principal = Principal(user: jane)
        let created = try await node.hosting.tokens.create(
            owner: .user(jane.id), name: "ci", permissions: [.repoWrite], expiryDays: nil, by: principal)
        #expect(created.secretText.hasPrefix("pgt_") && created.secretText.count == 47)
        let stored = try await node.database.read { transaction in
            try transaction.rows("SELECT secret_hash FROM access_token").map { try $0.text("secret_hash") }
        }
        #expect(stored.count == 1 && stored.first?.count == 64)
        #expect(!stored.joined().contains(created.secretText.dropFirst(4)))
        let shape = created.token.portable(links: node.hosting.settings.baseURL)
        #expect(shape["token"] == nil && shape["name"] == "ci" && shape["permissions"] == ["REPO_WRITE"])
    }

    @Test(arguments: TestEngine.allCases)
    func itLogsInAsBearerAndInThePasswordsPlaceForItsUserOnly(engine: TestEngine) async throws {
        let home = try TestHome(engine)
        let node = try await home.node()
        let jane = try await node.user("jane")
        try await node.user("bob")
        let created = try await node.hosting.tokens.create(
            owner: .user(jane.id), name: "ci", permissions: [.repoRead], expiryDays: nil,
            by: Principal(user: jane))
        let authenticator = node.hosting.authenticator
        let bearer = try await authenticator.authenticate(.bearer(created.secretText))
        #expect(bearer.user == jane && bearer.tokenGrant?.permissions == PermissionSet(.repoRead))
        let basic = try await authenticator.authenticate(.basic(user: "Jane", password: created.secretText))
        #expect(basic == bearer)
        await #expect(throws: HostingError.authenticationFailed) {
            try await authenticator.authenticate(.basic(user: "bob", password: created.secretText))
        }
        await #expect(throws: HostingError.authenticationFailed) {
            try await authenticator.authenticate(.bearer(created.secretText + "x"))
        }
        let used = try await node.hosting.tokens.get(
            created.token.id, owner: .user(jane.id), by: Principal(user: jane))
        #expect(used.lastAuthenticatedMilliseconds != nil)
    }

    @Test(arguments: TestEngine.allCases)
    func anExpiredADeletedAndADisabledUsersTokenAreRefused(engine: TestEngine) async throws {
        let home = try TestHome(engine)
        let node = try await home.node()
        let jane = try await node.user("jane")
        let tokens = node.hosting.tokens
        let authenticator = node.hosting.authenticator
        let first = try await tokens.create(
            owner: .user(jane.id), name: "a", permissions: [], expiryDays: 1, by: Principal(user: jane))
        let second = try await tokens.create(
            owner: .user(jane.id), name: "b", permissions: [], expiryDays: nil, by: Principal(user: jane))
        let third = try await tokens.create(
            owner: .user(jane.id), name: "c", permissions: [], expiryDays: nil, by: Principal(user: jane))
        _ = try await authenticator.authenticate(.bearer(first.secretText))
        try await node.database.write { transaction in
            try transaction.execute("UPDATE access_token SET expires_at = created_at WHERE name = 'a'")
        }
        try await tokens.delete(second.token.id, owner: .user(jane.id), by: Principal(user: jane))
        for secret in [first.secretText, second.secretText] {
            await #expect(throws: HostingError.authenticationFailed) {
                try await authenticator.authenticate(.bearer(secret))
            }
        }
        _ = try await authenticator.authenticate(.bearer(third.secretText))
        _ = try await node.hosting.users.update(name: "jane", UserChange(active: false), by: .localOperator)
        await #expect(throws: HostingError.authenticationFailed) {
            try await authenticator.authenticate(.bearer(third.secretText))
        }
    }

    @Test(arguments: TestEngine.allCases)
    func aTokenCannotMakeListOrChangeTokensNorItsUsersPassword(engine: TestEngine) async throws {
        let home = try TestHome(engine)
        let node = try await home.node()
        let jane = try await node.user("jane")
        let owner = TokenOwner.user(jane.id)
        let created = try await node.hosting.tokens.create(
            owner: owner, name: "ci", permissions: [.projectAdmin], expiryDays: nil, by: Principal(user: jane)
        )
        let token = try await node.hosting.authenticator.authenticate(.bearer(created.secretText))
        await #expect(throws: HostingError.self) {
            try await node.hosting.tokens.create(
                owner: owner, name: "x", permissions: [], expiryDays: nil, by: token)
        }
        await #expect(throws: HostingError.self) {
            try await node.hosting.tokens.list(owner: owner, page: PageRequest(), by: token)
        }
        await #expect(throws: HostingError.self) {
            try await node.hosting.users.changeOwnPassword(current: "secret", new: "x", by: token)
        }
        await #expect(throws: HostingError.self) {
            try await node.hosting.users.update(name: "jane", UserChange(displayName: "X"), by: token)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func tokensBelongToTheirOwnerAlone(engine: TestEngine) async throws {
        let home = try TestHome(engine)
        let node = try await home.node()
        let jane = try await node.user("jane")
        let bob = Principal(user: try await node.user("bob"))
        let created = try await node.hosting.tokens.create(
            owner: .user(jane.id), name: "ci", permissions: [], expiryDays: nil, by: Principal(user: jane))
        await #expect(throws: HostingError.self) {
            try await node.hosting.tokens.get(created.token.id, owner: .user(jane.id), by: bob)
        }
        await #expect(throws: HostingError.noSuchToken(id: "\(created.token.id)")) {
            try await node.hosting.tokens.get(
                created.token.id, owner: .user(try #require(bob.user).id), by: bob)
        }
        await #expect(throws: HostingError.duplicate(what: "token", name: "ci")) {
            try await node.hosting.tokens.create(
                owner: .user(jane.id), name: "ci", permissions: [], expiryDays: nil, by: Principal(user: jane)
            )
        }
        try await node.hosting.tokens.delete(created.token.id, owner: .user(jane.id), by: .localOperator)
        try await node.hosting.tokens.delete(created.token.id, owner: .user(jane.id), by: .localOperator)
    }

    @Test(arguments: [
        (Permission.admin, 1), (.sysAdmin, 1), (.licensedUser, 1), (.projectView, 1), (.repoRead, 0),
        (.repoRead, 3651), (.repoRead, Int.max), (.repoRead, -1),
    ])
    func aTokenHasOnlyWhatFits(_ permission: Permission, _ days: Int) async throws {
        let home = try TestHome()
        let node = try await home.node()
        let jane = try await node.user("jane")
        await #expect(throws: HostingError.self) {
            try await node.hosting.tokens.create(
                owner: .user(jane.id), name: "x", permissions: [permission], expiryDays: days,
                by: Principal(user: jane))
        }
    }

    @Test(arguments: TestEngine.allCases)
    func theTokenOfARepositoryActsAsAServiceAndEndsWithIt(engine: TestEngine) async throws {
        let home = try TestHome(engine)
        let node = try await home.node()
        let project = try await node.project("ONE")
        let repository = try await node.repository("tools", in: project)
        let created = try await node.hosting.tokens.create(
            owner: .repository(repository.id), name: "ci", permissions: [.repoWrite], expiryDays: nil,
            by: .localOperator)
        let principal = try await node.hosting.authenticator.authenticate(
            .basic(user: "x-token-auth", password: created.secretText))
        #expect(principal.user?.kind == .service && principal.user?.displayName == "ci")
        try await node.hosting.pushes.requirePushable(repository, by: principal)
        let users = try await node.hosting.users.list(page: PageRequest(), by: .localOperator)
        #expect(users.values.isEmpty)
        await #expect(throws: HostingError.self) {
            try await node.hosting.tokens.create(
                owner: .repository(repository.id), name: "y", permissions: [.projectRead], expiryDays: nil,
                by: .localOperator)
        }
        try await node.hosting.repositories.delete(repository, by: .localOperator)
        await #expect(throws: HostingError.authenticationFailed) {
            try await node.hosting.authenticator.authenticate(.bearer(created.secretText))
        }
        let left = try await node.database.read { transaction in
            try transaction.firstRow("SELECT COUNT(*) AS n FROM app_user")?.integer("n")
        }
        #expect(left == 0)
    }
}
