import Glibc
package import NIOCore
package import Portable

/// A pack of everything behind some objects, for somebody who has nothing.
package struct WholePackRequest: Sendable, Hashable {
    /// What is wanted, with all its history.
    package var wants: [ObjectID] = []
    /// Whether a delta may name its base by its place in the pack.
    package var offsetDeltas = false
    /// Whether tags that point to what is sent are sent, too.
    package var includesTags = false

    /// Wants nothing yet.
    package init() {}
}

extension GitStore {
    /// Starts `git pack-objects`, which makes the pack.
    /// - Returns: The process, and what is to be written to its input; nil when something is wanted that no
    ///   ref a client sees points at, or the repository's history is shallow: then git has to say what
    ///   happens.
    package func wholePack(
        _ request: WholePackRequest, in path: String
    ) async throws -> (process: GitProcess, input: ByteBuffer)? {
        let cache = shared.refs
        let isServed = try await onThread {
            guard access(path + "/shallow", F_OK) != 0 else { return false }
            let snapshot = try cache.snapshot(of: path)
            var wanted = Set(request.wants)
            for entry in snapshot.entries where !Self.isHidden(entry.name) { wanted.remove(entry.target) }
            if let head = snapshot.head?.target { wanted.remove(head) }
            return wanted.isEmpty
        }
        guard isServed else { return nil }
        var environment = GitEnvironment(configuration: configuration)
        environment.serveFetches(packThreads: configuration.packThreadCount)
        var arguments = ["-C", path, "--git-dir=.", "pack-objects", "--revs", "--stdout", "-q"]
        if request.offsetDeltas { arguments.append("--delta-base-offset") }
        if request.includesTags { arguments.append("--include-tag") }
        let process = try process(arguments, name: "pack-objects", environment: environment)
        var input = ByteBuffer()
        for id in Set(request.wants) { input.writeString(id.hex + "\n") }
        input.writeString("--not\n\n")
        return (process, input)
    }
}
