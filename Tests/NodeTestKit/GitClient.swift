package import Foundation

/// The real `git`, run with a clean environment and a home of its own.
///
/// Nothing of the machine's or the user's configuration reaches it, it never asks on a terminal, and its
/// author and committer are fixed.
package struct GitClient: Sendable {
    /// Where commands run unless told otherwise, and below which clones are best put.
    package let directory: TemporaryDirectory
    /// Extra environment variables, over the fixed ones.
    package var environment: [String: String] = [:]

    /// Makes a client with an empty home.
    package init() throws {
        directory = try TemporaryDirectory("git")
        try directory.folder("home")
    }

    /// Runs `git` with `arguments` and gives its outcome, whatever it is.
    /// - Parameter folder: Where it runs: absolute, or relative to ``directory``.
    /// - Throws: ``TestKitError`` when it could not run or did not end in time.
    package func run(
        _ arguments: String..., in folder: String = "", input: Data = Data(),
        deadline: Duration = .seconds(120)
    ) async throws -> ProcessOutcome {
        try await run(arguments: arguments, in: folder, input: input, deadline: deadline)
    }

    /// As ``run(_:in:input:deadline:)``, with the arguments as an array.
    package func run(
        arguments: [String], in folder: String = "", input: Data = Data(), deadline: Duration = .seconds(120)
    ) async throws -> ProcessOutcome {
        try await ChildProcess.run(
            ["git"] + arguments, environment: fullEnvironment,
            directory: folder.hasPrefix("/") ? folder : directory.path(folder), input: input,
            deadline: deadline)
    }

    /// Runs `git` with `arguments`, which must succeed.
    /// - Returns: Its standard output without the last newline.
    /// - Throws: ``TestKitError/command(line:outcome:)`` when its exit code is not 0.
    @discardableResult
    package func succeed(
        _ arguments: String..., in folder: String = "", input: Data = Data(),
        deadline: Duration = .seconds(120)
    ) async throws -> String {
        try await succeed(arguments: arguments, in: folder, input: input, deadline: deadline)
    }

    /// As ``succeed(_:in:input:deadline:)``, with the arguments as an array.
    @discardableResult
    package func succeed(
        arguments: [String], in folder: String = "", input: Data = Data(), deadline: Duration = .seconds(120)
    ) async throws -> String {
        let outcome = try await run(arguments: arguments, in: folder, input: input, deadline: deadline)
        guard outcome.succeeded else {
            throw TestKitError.command(
                line: "git " + arguments.joined(separator: " "), outcome: outcome)
        }
        var text = outcome.output
        if text.hasSuffix("\n") { text.removeLast() }
        return text
    }

    /// Makes a working repository on branch `main` with one commit, in `name` below ``directory``.
    /// - Returns: Its absolute path.
    @discardableResult
    package func makeRepository(
        _ name: String, file: String = "README.md", text: String = "hello\n"
    ) async throws
        -> String
    {
        try await succeed("init", "--quiet", "--initial-branch=main", directory.path(name))
        try await commit(in: name, file: file, text: text)
        return directory.path(name)
    }

    /// Writes a file in a working repository and commits it.
    /// - Returns: The new commit's id.
    @discardableResult
    package func commit(
        in folder: String, file: String, text: String, message: String = "change"
    ) async throws
        -> String
    {
        let root = folder.hasPrefix("/") ? folder : directory.path(folder)
        let path = URL(fileURLWithPath: "\(root)/\(file)")
        try FileManager.default.createDirectory(
            at: path.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: path)
        try await succeed("add", "--", file, in: root)
        try await succeed("commit", "--quiet", "--message", message, in: root)
        return try await succeed("rev-parse", "HEAD", in: root)
    }

    /// Every ref with the object it names, as `<id> <ref>` lines in name order: two equal answers, two equal
    /// sets.
    package func refs(in folder: String) async throws -> String {
        try await succeed(
            "for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags", in: folder)
    }

    /// The whole environment of git.
    package var fullEnvironment: [String: String] {
        [
            "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin",
            "HOME": directory.path("home"), "LC_ALL": "C.UTF-8", "TZ": "UTC",
            "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "/bin/true", "GIT_AUTHOR_NAME": "Ada Author",
            "GIT_AUTHOR_EMAIL": "ada@example.org",
            "GIT_COMMITTER_NAME": "Carl Committer", "GIT_COMMITTER_EMAIL": "carl@example.org",
        ].merging(environment) { $1 }
    }
}
