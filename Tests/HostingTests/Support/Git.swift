import Foundation
import Portable

/// Stock git on a bare repository.
enum Git {
    struct Failure: Error {
        let command: [String]
        let text: String
    }

    /// Runs git and gives what it printed.
    @discardableResult
    static func run(_ arguments: [String], in path: String, input: String = "") throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/git")
        process.arguments = ["--git-dir=\(path)"] + arguments
        process.environment = [
            "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_AUTHOR_NAME": "A U Thor",
            "GIT_AUTHOR_EMAIL": "author@example.org", "GIT_AUTHOR_DATE": "1700000000 +0000",
            "GIT_COMMITTER_NAME": "C O Mitter", "GIT_COMMITTER_EMAIL": "committer@example.org",
            "GIT_COMMITTER_DATE": "1700000001 +0000", "PATH": "/usr/bin:/bin",
        ]
        let (stdin, stdout, stderr) = (Pipe(), Pipe(), Pipe())
        (process.standardInput, process.standardOutput, process.standardError) = (stdin, stdout, stderr)
        try process.run()
        try stdin.fileHandleForWriting.write(contentsOf: Data(input.utf8))
        try stdin.fileHandleForWriting.close()
        let output = String(decoding: stdout.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let problem = String(decoding: stderr.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failure(command: arguments, text: problem) }
        return output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Makes a commit of files (all at the top, or one folder deep) without a ref.
    static func commit(
        _ message: String, in path: String, parents: [ObjectID], files: [String: String]
    ) throws -> ObjectID {
        var (top, folders): ([String], [String: [String]]) = ([], [:])
        for (name, text) in files.sorted(by: { $0.key < $1.key }) {
            let blob = try run(["hash-object", "-w", "--stdin"], in: path, input: text)
            let parts = name.split(separator: "/", maxSplits: 1).map(String.init)
            if parts.count == 2 {
                folders[parts[0], default: []].append("100644 blob \(blob)\t\(parts[1])")
            } else {
                top.append("100644 blob \(blob)\t\(name)")
            }
        }
        for (folder, lines) in folders {
            let tree = try run(["mktree"], in: path, input: lines.joined(separator: "\n") + "\n")
            top.append("040000 tree \(tree)\t\(folder)")
        }
        let tree = try run(["mktree"], in: path, input: top.map { $0 + "\n" }.joined())
        let arguments = ["commit-tree", tree] + parents.flatMap { ["-p", $0.hex] }
        let hex = try run(arguments, in: path, input: message)
        guard let id = ObjectID(hex) else { throw Failure(command: arguments, text: hex) }
        return id
    }
}
