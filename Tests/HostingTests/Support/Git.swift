import Foundation
import NodeTestKit
import Portable

/// Stock git on a bare repository, with nothing of the machine's or the user's configuration.
enum Git {
    private static let environment = Executable.environment.merging([
        "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_AUTHOR_NAME": "A U Thor",
        "GIT_AUTHOR_EMAIL": "author@example.org", "GIT_AUTHOR_DATE": "1700000000 +0000",
        "GIT_COMMITTER_NAME": "C O Mitter", "GIT_COMMITTER_EMAIL": "committer@example.org",
        "GIT_COMMITTER_DATE": "1700000001 +0000",
    ]) { $1 }

    /// Runs git, which must succeed, and gives what it printed.
    @discardableResult
    static func run(_ arguments: [String], in path: String, input: String = "") async throws -> String {
        let command = ["git", "--git-dir=\(path)"] + arguments
        let outcome = try await ChildProcess.run(command, environment: environment, input: Data(input.utf8))
        guard outcome.succeeded else {
            throw TestKitError.command(line: command.joined(separator: " "), outcome: outcome)
        }
        return outcome.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Makes a commit of files (all at the top, or one folder deep) without a ref.
    static func commit(
        _ message: String, in path: String, parents: [ObjectID], files: [String: String]
    ) async throws -> ObjectID {
        var (top, folders): ([String], [String: [String]]) = ([], [:])
        for (name, text) in files.sorted(by: { $0.key < $1.key }) {
            let blob = try await run(["hash-object", "-w", "--stdin"], in: path, input: text)
            let parts = name.split(separator: "/", maxSplits: 1).map(String.init)
            if parts.count == 2 {
                folders[parts[0], default: []].append("100644 blob \(blob)\t\(parts[1])")
            } else {
                top.append("100644 blob \(blob)\t\(name)")
            }
        }
        for (folder, lines) in folders {
            let tree = try await run(["mktree"], in: path, input: lines.joined(separator: "\n") + "\n")
            top.append("040000 tree \(tree)\t\(folder)")
        }
        let tree = try await run(["mktree"], in: path, input: top.map { $0 + "\n" }.joined())
        let arguments = ["commit-tree", tree] + parents.flatMap { ["-p", $0.hex] }
        let hex = try await run(arguments, in: path, input: message)
        guard let id = ObjectID(hex) else { throw TestKitError.protocolViolation("no id: \(hex)") }
        return id
    }
}
