import ClusterTestKit
import Hosting
import Portable
import Testing

@Suite struct Grants {
    @Test(arguments: TestEngine.allCases)
    func aNewGrantReplacesTheFormerOneAndIsListedByPages(engine: TestEngine) async throws {
        let home = try TestHome(engine)
        let node = try await home.node()
        let hosting = node.hosting
        let project = try await node.project("ONE")
        let scope = PermissionScope.project(project.id)
        for name in ["ann", "bob", "cid"] { try await node.user(name) }
        try await hosting.permissions.grant(
            .projectRead, toUsers: ["ann", "bob", "cid"], in: scope, by: .localOperator)
        try await hosting.permissions.grant(.projectWrite, toUsers: ["BOB"], in: scope, by: .localOperator)
        let page = try await hosting.permissions.users(
            in: scope, page: PageRequest(start: 1, limit: 1), by: .localOperator)
        #expect(page.values.map(\.user.name) == ["bob"] && page.values.map(\.permission) == [.projectWrite])
        #expect(page.nextStart == 2)
        try await hosting.permissions.revoke(user: "bob", in: scope, by: .localOperator)
        try await hosting.permissions.revoke(user: "bob", in: scope, by: .localOperator)
        let rest = try await hosting.permissions.users(in: scope, page: PageRequest(), by: .localOperator)
        #expect(rest.values.map(\.user.name) == ["ann", "cid"])
        let filtered = try await hosting.permissions.users(
            in: scope, filter: "CI", page: PageRequest(), by: .localOperator)
        #expect(filtered.values.map(\.user.name) == ["cid"])
    }

    @Test(arguments: TestEngine.allCases)
    func anUnknownNameGrantsNothingToAnybody(engine: TestEngine) async throws {
        let home = try TestHome(engine)
        let node = try await home.node()
        let project = try await node.project("ONE")
        let scope = PermissionScope.project(project.id)
        try await node.user("ann")
        await #expect(throws: HostingError.noSuchUser(name: "nobody")) {
            try await node.hosting.permissions.grant(
                .projectRead, toUsers: ["ann", "nobody"], in: scope, by: .localOperator)
        }
        let page = try await node.hosting.permissions.users(
            in: scope, page: PageRequest(), by: .localOperator)
        #expect(page.values.isEmpty)
    }

    @Test(arguments: [
        (PermissionScope.global, Permission.repoRead), (.global, .projectAdmin), (.project(1), .repoRead),
        (.project(1), .admin), (.project(1), .projectView), (.repository(1), .projectRead),
    ])
    func aPermissionOfAnotherLevelCannotBeGranted(
        _ scope: PermissionScope, _ permission: Permission
    ) async throws {
        let home = try TestHome()
        let node = try await home.node()
        try await node.user("ann")
        await #expect {
            try await node.hosting.permissions.grant(
                permission, toUsers: ["ann"], in: scope, by: .localOperator)
        } throws: { error in
            if case .invalid(field: "permission", _)? = error as? HostingError { true } else { false }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func whoMayNotAdministerSeesNoGrantsAndChangesNone(engine: TestEngine) async throws {
        let home = try TestHome(engine)
        let node = try await home.node()
        let project = try await node.project("ONE")
        let scope = PermissionScope.project(project.id)
        let ann = Principal(user: try await node.user("ann"))
        await #expect(throws: HostingError.noSuchProject(key: "ONE")) {
            try await node.hosting.permissions.users(in: scope, page: PageRequest(), by: ann)
        }
        try await node.hosting.permissions.grant(
            .projectWrite, toUsers: ["ann"], in: scope, by: .localOperator)
        await #expect {
            try await node.hosting.permissions.grant(.projectAdmin, toUsers: ["ann"], in: scope, by: ann)
        } throws: { error in
            if case .notAuthorised(permission: .projectAdmin, _)? = error as? HostingError {
                true
            } else {
                false
            }
        }
        await #expect(throws: HostingError.authenticationRequired) {
            try await node.hosting.permissions.users(in: .global, page: PageRequest(), by: .anonymous)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func theDefaultPermissionOfAProjectHoldsForEveryUserAndCanBeTakenBack(engine: TestEngine) async throws {
        let home = try TestHome(engine)
        let node = try await home.node()
        let permissions = node.hosting.permissions
        let project = try await node.project("ONE")
        let ann = Principal(user: try await node.user("ann"))
        try await permissions.setEverybody(.projectWrite, allow: true, in: project, by: .localOperator)
        #expect(try await permissions.has(.projectWrite, ann, project: project))
        #expect(try await permissions.everybodyHas(.projectRead, in: project, by: .localOperator))
        #expect(try await permissions.everybodyHas(.projectAdmin, in: project, by: .localOperator) == false)
        #expect(try await permissions.has(.projectView, .anonymous, project: project) == false)
        try await permissions.setEverybody(.projectWrite, allow: false, in: project, by: .localOperator)
        #expect(try await permissions.has(.projectView, ann, project: project) == false)
    }
}
