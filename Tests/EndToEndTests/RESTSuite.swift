import Foundation
import NodeTestKit
import Portable
import Testing

/// The REST door of one real node, which all the suites below share; each test works on names of its own.
///
/// One test at a time: many log in new users, and a node bounds how many passwords it checks at once.
@Suite(.servedByOneNode, .serialized)
enum RESTSuite {
    @TaskLocal static var current: RunningNode?

    /// The node that serves the tests.
    static var node: RunningNode { get throws { try #require(current) } }

    /// A name that no other test uses: letters and digits, beginning with `prefix`.
    static func unique(_ prefix: String) -> String {
        prefix + UUID().uuidString.prefix(8).lowercased()
    }

    /// A project key that no other test uses, of an existing project.
    static func makeProject(isPublic: Bool = false) async throws -> String {
        let key = unique("P").uppercased()
        try await node.makeProject(key, isPublic: isPublic)
        return key
    }

    /// A project with a repository `rep` to which a git repository was pushed by stock git.
    static func makePushedProject(
        isPublic: Bool = false, _ fill: (GitClient, String) async throws -> Void = { _, _ in }
    ) async throws -> PushedRepository {
        let key = try await makeProject()
        let made = try await node.http.post(
            "/rest/api/1.0/projects/\(key)/repos",
            ["name": "rep", "scmId": "git", "public": .bool(isPublic), "defaultBranch": "master"])
        try #require(made.status == 201)
        let git = try GitClient()
        let folder = try await git.makeRepository("work")
        try await fill(git, folder)
        try await git.succeed(
            "push", "--quiet", node.remote(key, "rep"), "HEAD:refs/heads/master", in: folder)
        let tip = try await git.succeed("rev-parse", "HEAD", in: folder)
        return PushedRepository(key: key, git: git, folder: folder, tip: tip)
    }
}

/// A repository on the node and the working copy that was pushed to it.
struct PushedRepository {
    let key: String
    let git: GitClient
    let folder: String
    let tip: String

    /// The repository's address in the API.
    var address: String { "/rest/api/1.0/projects/\(key)/repos/rep" }

    /// The same address below another API, such as `branch-utils`.
    func address(below api: String) -> String { "/rest/\(api)/1.0/projects/\(key)/repos/rep" }
}

/// Starts a node before a suite and stops it after.
struct NodeScope: SuiteTrait, TestScoping {
    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        let node = try await RunningNode.start()
        try await RESTSuite.$current.withValue(node) { try await function() }
        try await node.stop()
    }
}

extension Trait where Self == NodeScope {
    /// All tests of the suite talk to one running node.
    static var servedByOneNode: Self { NodeScope() }
}

extension HTTPAnswer {
    /// The first error of the original's envelope.
    var error: PortableValue? { (try? json())?["errors"]?[0] }

    /// Where a page's values have this text field.
    func texts(_ field: String) throws -> [String] {
        try (json()["values"]?.listValue ?? []).compactMap { $0[field]?.stringValue }
    }
}
