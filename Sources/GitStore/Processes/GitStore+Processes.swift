package import NIOCore
package import Portable
import Synchronization

extension GitStore {
    /// Starts `git upload-pack` for one exchange of the smart HTTP protocol.
    /// - Parameter protocolVersion: The value of the client's `Git-Protocol` header; passed on when it is
    ///   `version=0` to `version=2`, and ignored otherwise.
    /// - Parameter advertise: Say only what there is to fetch, instead of answering a request.
    package func uploadPack(in path: String, protocolVersion: String?, advertise: Bool) throws -> GitProcess {
        var environment = GitEnvironment(configuration: configuration)
        environment.serveFetches(packThreads: configuration.packThreadCount)
        environment.speak(protocolVersion: protocolVersion)
        let mode = advertise ? ["--http-backend-info-refs"] : []
        return try process(
            ["upload-pack", "--strict", "--stateless-rpc"] + mode + ["--", path], environment: environment)
    }

    /// Starts `git upload-pack` for a whole conversation, which it begins by saying what there is to fetch.
    /// - Parameter protocolVersion: As for ``uploadPack(in:protocolVersion:advertise:)``.
    package func uploadPackStream(in path: String, protocolVersion: String?) throws -> GitProcess {
        var environment = GitEnvironment(configuration: configuration)
        environment.serveFetches(packThreads: configuration.packThreadCount)
        environment.speak(protocolVersion: protocolVersion)
        return try process(
            ["upload-pack", "--strict", "--timeout=600", "--", path], environment: environment)
    }

    /// Starts `git upload-archive`, which answers with an archive of what the client names.
    package func uploadArchive(in path: String) throws -> GitProcess {
        try process(
            ["upload-archive", path], environment: GitEnvironment(configuration: configuration))
    }

    /// Starts `git receive-pack` for one exchange of the smart HTTP protocol.
    /// - Parameter hook: How the push's hooks call back; without it they refuse the push.
    /// - Parameter maxInputBytes: A larger pack is refused; nil: any size.
    package func receivePack(
        in path: String, protocolVersion: String?, advertise: Bool, hook: HookEnvironment? = nil,
        maxInputBytes: Int64? = nil
    ) throws -> GitProcess {
        var environment = GitEnvironment(configuration: configuration)
        environment.servePushes(maxInputBytes: maxInputBytes)
        environment.speak(protocolVersion: protocolVersion)
        if let hook { environment.callBack(hook) }
        let mode = advertise ? ["--http-backend-info-refs"] : []
        return try process(
            ["receive-pack", "--stateless-rpc"] + mode + ["--", path], environment: environment)
    }

    /// What `git upload-pack` advertises in protocol version 2, which is the same for every repository.
    ///
    /// Begins with `version 2` and ends with a flush; the `# service=` line of HTTP is not part of version 2.
    /// Asked of git once, with an empty repository, and kept.
    package func capabilityAdvertisementV2() async throws -> ByteBuffer {
        if let known = shared.advertisement.withLock({ $0 }) { return known }
        let folder = try TemporaryFolder(prefix: "perigee-git-")
        defer { folder.remove() }
        let path = folder.path + "/empty.git"
        try await createRepository(at: path, defaultBranch: "main")
        let process = try uploadPack(in: path, protocolVersion: "version=2", advertise: true)
        let advertisement = try await process.communicate()
        shared.advertisement.withLock { $0 = advertisement }
        return advertisement
    }

    /// Finds out whether the configured program is git, and new enough.
    /// - Throws: ``GitStoreError/gitUnavailable(executable:reason:)``,
    ///   ``GitStoreError/gitTooOld(found:oldest:)``.
    package func checkGit() async throws -> GitVersion {
        let process = try process(["version"], environment: GitEnvironment(configuration: configuration))
        let answer = String(buffer: try await process.communicate())
        guard let version = GitVersion(answer: answer) else {
            throw GitStoreError.gitUnavailable(
                executable: configuration.gitExecutable,
                reason: "\"git version\" answers \"\(answer.prefix(80))\"")
        }
        guard version >= .oldestSupported else {
            throw GitStoreError.gitTooOld(found: version, oldest: .oldestSupported)
        }
        return version
    }

    /// The content of a file of any size, as a process whose output is the bytes; run it.
    package func blobStream(_ id: ObjectID, in path: String) throws -> GitProcess {
        try process(
            ["--git-dir=\(path)", "cat-file", "blob", id.hex], name: "cat-file",
            environment: GitEnvironment(configuration: configuration))
    }

    /// Starts git with typed arguments; values that came from outside stand behind `--` or
    /// `--end-of-options`.
    func process(_ arguments: [String], name: String? = nil, environment: GitEnvironment) throws -> GitProcess
    {
        guard !arguments.contains(where: { $0.utf8.contains(0) }) else {
            throw GitStoreError.invalidName("text with a NUL byte")
        }
        return try GitProcess(
            name: name ?? arguments.first ?? "git", executable: configuration.gitExecutable,
            arguments: arguments,
            environment: environment.list, group: configuration.eventLoopGroup)
    }
}
