import Foundation
import GitStore
import Logging
import NIOCore
import NIOPosix
import NodeTestKit
import Portable
import Testing

/// A store, a real git client, and an empty repository `main.git` of the store's in a folder of their own.
struct Fixture {
    let git: GitClient
    let store: GitStore
    let path: String

    /// - Parameter script: A shell script that is run in the place of git.
    init(executable: String = "/usr/bin/git", script: String? = nil) async throws {
        git = try GitClient()
        var executable = executable
        if let script {
            executable = try await Self.install("#!/bin/sh\n\(script)\n", as: "git-script", in: git.directory)
        }
        let hooks = try git.directory.folder("hooks")
        store = GitStore(
            configuration: GitConfiguration(
                gitExecutable: executable, hooksDirectory: hooks,
                eventLoopGroup: MultiThreadedEventLoopGroup.singleton, threads: 2),
            logger: Logger(label: "test"))
        path = git.directory.path("main.git")
        try await store.createRepository(at: path, defaultBranch: "main")
    }

    /// Puts down a script by another program's hand: while this process writes a file, any child that it
    /// starts at that moment holds the file open, and the kernel will not run it.
    private static func install(
        _ script: String, as name: String, in directory: TemporaryDirectory
    ) async throws -> String {
        let source = try directory.write(script, to: name + ".text")
        let install = try await ChildProcess.run(
            ["install", "-m", "755", source, directory.path(name)], environment: Executable.environment)
        try #require(install.succeeded)
        return directory.path(name)
    }

    var hooks: String { store.configuration.hooksDirectory }

    /// The object that git says a revision is.
    func id(_ revision: String, in folder: String? = nil) async throws -> ObjectID {
        let text = try await git.succeed("rev-parse", "--verify", revision, in: folder ?? path)
        return try #require(ObjectID(text))
    }

    /// Makes a working repository with commits of files `a` and pushes it as `main`.
    /// - Returns: The working folder.
    @discardableResult
    func pushCommits(_ count: Int = 1) async throws -> String {
        let work = try await git.makeRepository("work")
        for number in 1..<max(2, count + 1) where number > 1 {
            try await git.commit(in: work, file: "a", text: "\(number)\n", message: "change \(number)")
        }
        try await git.succeed("push", "--quiet", path, "main", in: work)
        return work
    }

    /// Runs a process to its end and gives its output as text.
    func text(_ process: GitProcess) async throws -> String {
        String(buffer: try await process.communicate())
    }

    /// What the real program answers to `ls-refs`.
    func lsRefsOfGit(_ request: LsRefsRequest, in folder: String? = nil) async throws -> ByteBuffer {
        var input = ByteBuffer()
        input.writePktLine("command=ls-refs\n")
        input.writePktLine(.delimiter)
        if request.peel { input.writePktLine("peel\n") }
        if request.symrefs { input.writePktLine("symrefs\n") }
        if request.unborn { input.writePktLine("unborn\n") }
        for prefix in request.prefixes { input.writePktLine("ref-prefix \(prefix)\n") }
        input.writePktLine(.flush)
        let process = try store.uploadPack(
            in: folder ?? path, protocolVersion: "version=2", advertise: false)
        return try await process.communicate(input)
    }

    /// Expects the store's answer to be the program's, byte for byte.
    func expectSameAnswer(
        _ request: LsRefsRequest, in folder: String? = nil, _ comment: Comment? = nil,
        location: SourceLocation = #_sourceLocation
    ) async throws {
        let ours = try await store.lsRefs(in: folder ?? path, request: request)
        let theirs = try await lsRefsOfGit(request, in: folder)
        #expect(String(buffer: ours) == String(buffer: theirs), comment, sourceLocation: location)
    }

    /// Every combination of what a client may ask, with a few prefixes.
    static let requests: [LsRefsRequest] = {
        let prefixes: [[String]] = [
            [], ["HEAD"], ["refs/heads/"], ["refs/tags/v"], ["refs/heads/", "refs/tags/", "HEAD"],
            ["refs/heads/ma", "refs/heads/m"], ["none"], ["refs/heads/main"], ["H", ""],
        ]
        return prefixes.flatMap { prefixes in
            (0..<8).map { bits in
                LsRefsRequest(
                    peel: bits & 1 != 0, symrefs: bits & 2 != 0, unborn: bits & 4 != 0, prefixes: prefixes)
            }
        }
    }()
}
