import Foundation
import NodeTestKit
import Portable
import Testing

/// The git door of one real node, which the suites below share; each test makes a repository of its own.
@Suite(.gitServedByOneNode)
enum GitHTTPSuite {
    @TaskLocal static var current: RunningNode?

    /// A name that no other test uses.
    static func unique(_ prefix: String) -> String { prefix + UUID().uuidString.prefix(8).lowercased() }

    /// A project of its own with a repository `app`, in the shared node or in one of the test's own.
    static func makePlace(
        on node: RunningNode? = nil, repository: String = "app", isPublic: Bool = false
    ) async throws -> GitHTTPPlace {
        let node = try node ?? #require(current)
        let key = "G" + UUID().uuidString.prefix(8)
        try await node.makeRepository(key, repository, isPublic: isPublic)
        let facts = try await node.http.get("/rest/api/latest/projects/\(key)/repos/\(repository)").json()
        let id = try #require(facts["id"]?.integerValue)
        let place = GitHTTPPlace(node: node, git: try GitClient(), key: key, name: repository, id: id)
        try await place.git.makeRepository("work")
        return place
    }

    /// The same, with the branch `main` of the working copy pushed to it.
    static func makePushedPlace(
        on node: RunningNode? = nil, repository: String = "app", isPublic: Bool = false
    ) async throws -> GitHTTPPlace {
        let place = try await makePlace(on: node, repository: repository, isPublic: isPublic)
        try await place.git.succeed("push", "--quiet", place.remote, "main", in: "work")
        return place
    }
}

/// A repository on a node, and a git client with a working copy `work`.
struct GitHTTPPlace: Sendable {
    let node: RunningNode
    let git: GitClient
    let key: String
    let name: String
    let id: Int64

    /// The clone URL with the administrator's credentials.
    var remote: String { node.remote(key, name) }
    /// The path of a request to the repository.
    func target(_ rest: String) -> String { "/scm/\(key)/\(name).git/\(rest)" }
    /// The tip of the working copy.
    func head() async throws -> String { try await git.succeed("rev-parse", "HEAD", in: "work") }

    /// The processes that work in the repository: their ids and command lines.
    var gitProcesses: [String] {
        let folder = "\(node.home)/shared/data/repositories/\(id)"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.filter { Int($0) != nil }.compactMap { id in
            let place = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(id)/cwd")
            let line = FileManager.default.contents(atPath: "/proc/\(id)/cmdline") ?? Data()
            let command = String(decoding: line, as: UTF8.self).replacingOccurrences(of: "\0", with: " ")
            let words = command.split(separator: " ")
            let isOurs =
                place == folder || place?.hasPrefix(folder + "/") == true || words.contains { $0 == folder }
            return isOurs && !line.isEmpty ? "\(id) \(command)" : nil
        }
    }

    /// Waits until no process works in the repository.
    func expectNoGit() async throws {
        try await waitUntil("no git process", detail: { "\(self.gitProcesses)" }) {
            self.gitProcesses.isEmpty
        }
    }

    /// The repository is served, and no process of an earlier request is left.
    func expectHealthy() async throws {
        let refs = try await git.succeed("ls-remote", remote)
        #expect(refs.contains("refs/heads/main"))
        try await expectNoGit()
    }
}

extension RunningNode {
    /// The most memory that the process has had, as the system counts it.
    var peakKilobytes: Int {
        get throws {
            let status = try String(contentsOfFile: "/proc/\(processID)/status", encoding: .utf8)
            let peak = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
            return try #require(peak?.split(separator: " ").compactMap { Int($0) }.first)
        }
    }
}

/// Starts a node before a suite and stops it after.
struct GitNodeScope: SuiteTrait, TestScoping {
    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        let node = try await RunningNode.start()
        try await GitHTTPSuite.$current.withValue(node) { try await function() }
        try await node.stop()
    }
}

extension Trait where Self == GitNodeScope {
    /// All tests of the suite talk to one running node.
    static var gitServedByOneNode: Self { GitNodeScope() }
}
