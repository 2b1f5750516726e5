import GitStore
import Hosting
import NIOCore
import Portable
import Testing

/// A mirror's callers are judged by the upstream, whatever the mirror's own tables say.
struct RemoteRightsTests {
    @Test func secretsAreNotShown() {
        let secrets = ["pgt_hidden", "hidden-password"]
        let all = [
            RemoteCredentials(.token(secrets[0])),
            RemoteCredentials(.password(user: "ada", password: secrets[1])),
        ]
        for credentials in all {
            let principal = Principal(remote: credentials)
            var dumped = ""
            dump(principal, to: &dumped)
            dump(credentials, to: &dumped)
            let shown = [
                "\(credentials)", String(reflecting: credentials), "\(principal)",
                String(reflecting: principal), dumped,
            ]
            for text in shown { #expect(!secrets.contains { text.contains($0) }) }
        }
        #expect("\(all[1])".contains("ada"))
    }

    @Test func credentialsAreEqualWhenTheirBytesAre() {
        let one = RemoteCredentials(.password(user: "ada", password: "x"))
        #expect(one == RemoteCredentials(.password(user: "ada", password: "x")))
        #expect(one != RemoteCredentials(.password(user: "ad", password: "ax")))
        #expect(one != RemoteCredentials(.token("adax")))
        #expect(RemoteCredentials(.anonymous).isAnonymous)
        #expect(Principal(remote: .anonymous).isAnonymous)
        #expect(!Principal(remote: one).isAnonymous)
    }

    @Test func theUpstreamDecidesWhoReads() async throws {
        let home = try TestHome()
        let node = try await home.node()
        let project = try await node.project("ONE", isPublic: true)
        let repository = try await node.repository("tools", in: project, isPublic: true)
        _ = try await node.user("ada")
        let hosting = node.hosting
        hosting.follow(
            Authority { credentials, id in
                guard case .password("ada", let password) = credentials.content else { return .none }
                guard password == "upstream" else { throw HostingError.authenticationFailed }
                let rights: PermissionSet = id == repository.id ? PermissionSet(.repoRead) : .none
                return RemoteRights(
                    user: nil, permissions: rights.union(PermissionSet(.licensedUser)).closed)
            }, NoUpstream())

        let ada = try await hosting.authenticator.authenticate(.basic(user: "ada", password: "upstream"))
        let access = try await hosting.repositories.access(projectKey: "one", slug: "tools", by: ada)
        #expect(access.repository.id == repository.id)
        #expect(access.permissions.contains(.repoRead) && !access.permissions.contains(.repoWrite))
        try await hosting.permissions.require(.licensedUser, ada)
        await #expect(throws: HostingError.self) { try await hosting.permissions.require(.admin, ada) }

        // The mirror's own user, password and public flags mean nothing.
        let local = try await hosting.authenticator.authenticate(.basic(user: "ada", password: "secret"))
        await #expect(throws: HostingError.authenticationFailed) {
            try await hosting.repositories.access(projectKey: "ONE", slug: "tools", by: local)
        }
        let nobody = HostingError.noSuchRepository(project: "ONE", slug: "tools")
        await #expect(throws: nobody) {
            try await hosting.repositories.access(projectKey: "ONE", slug: "tools", by: .anonymous)
        }
        let page = PageRequest(start: 0, limit: 25)
        for caller in [Principal.anonymous, ada, local] {
            let listed = try? await hosting.repositories.list(RepositoryFilter(), page: page, by: caller)
            #expect(listed?.values.isEmpty ?? true)
        }
    }

    @Test func theOperatorsTokenWorksHereAndNothingIsChanged() async throws {
        let home = try TestHome()
        let node = try await home.node()
        let repository = try await node.repository("tools", in: try await node.project("ONE"))
        let hosting = node.hosting
        hosting.follow(Authority { _, _ in throw HostingError.authenticationFailed }, NoUpstream())
        hosting.authenticator.setLocalToken("operator-secret")
        let operators = try await hosting.authenticator.authenticate(.bearer("operator-secret"))
        #expect(operators == .localOperator)
        let access = try await hosting.repositories.access(projectKey: "ONE", slug: "tools", by: operators)
        #expect(access.repository.id == repository.id)
        await #expect(throws: HostingError.self) {
            try await hosting.refs.createBranch(
                in: repository, name: "x", startPoint: "main", by: operators)
        }
    }

    @Test(.timeLimit(.minutes(2))) func aPushIsShownOnceTheMirrorHasMovedItsRefs() async throws {
        let home = try TestHome()
        let node = try await home.node()
        let repository = try await node.repository("tools", in: try await node.project("ONE"))
        let commit = try await node.commit("first", in: repository, files: ["a": "1"])
        let change = RefChange(ref: try .branch("main"), from: .zero, to: commit)
        let refs = node.hosting.refs
        #expect(await !refs.areShown([change], in: repository, atMost: .milliseconds(1)))
        async let isShown = refs.areShown([change], in: repository, atMost: .seconds(120))
        try await refs.follow([change], in: repository)
        #expect(await isShown)
        #expect(await refs.areShown([change], in: repository, atMost: .seconds(120)))
        let gone = RefChange(ref: try .branch("main"), from: commit, to: .zero)
        async let isGone = refs.areShown([gone], in: repository, atMost: .seconds(120))
        try await refs.follow([gone], in: repository)
        #expect(await isGone)
    }
}

/// An upstream that answers by a function.
private struct Authority: AccessAuthority {
    let answer: @Sendable (RemoteCredentials, RepositoryID?) async throws -> RemoteRights

    init(_ answer: @escaping @Sendable (RemoteCredentials, RepositoryID?) async throws -> RemoteRights) {
        self.answer = answer
    }

    func rights(
        of credentials: RemoteCredentials, on repository: RepositoryID?, isChange: Bool
    ) async throws -> RemoteRights {
        try await answer(credentials, repository)
    }
}

/// An upstream that takes nothing.
private struct NoUpstream: UpstreamGit {
    func pass(_ request: PassedRequest) async throws -> any PassedAnswer {
        throw HostingError.unavailable(reason: "there is no upstream")
    }
}
