package import NIOCore
package import Portable

/// What mirrors ask of a repository.
extension GitStore {
    /// Everything that a mirror has to have, at one moment.
    package struct MirroredRefs: Sendable {
        /// The refs, by name.
        package let refs: [RefName: ObjectID]
        /// What others compare them by.
        package let digests: RefDigests
        /// SHA-256, in hexadecimal, of the lines `name NUL hash LF` of the refs.
        package var digest: String { digests.content }
    }

    /// What two copies of a repository are compared by.
    package struct RefDigests: Sendable, Hashable {
        /// SHA-256, in hexadecimal, of the lines `name NUL hash LF` of the refs that are mirrored: without
        /// symbolic and damaged ones.
        package let content: String
        /// Likewise of those of pull requests; empty when there are none.
        package let pulls: String
        /// The branch that HEAD ends at, in full; nil when it names none.
        package let branch: String?
    }

    /// Whether a ref belongs to what mirrors compare: all but the server's own, and those of pull requests,
    /// which ride along with pushes.
    /// - Source: "Troubleshooting Smart Mirroring", "Pull request refs are not synchronized".
    package static func isMirrored(_ name: String) -> Bool {
        !isHidden(name) && !RefBytes.hasPrefix(name, pullRequestPrefix)
    }

    /// Where the refs of pull requests are.
    package static let pullRequestPrefix = "refs/pull-requests/"

    /// The digest of the refs, which two copies of a repository have in common when all their refs are the
    /// same. Cheap while nothing changes: a look at the folders.
    package func mirrorDigest(in path: String) async throws -> String {
        try await refDigests(in: path).content
    }

    /// What other copies of a repository are compared with. As cheap as ``mirrorDigest(in:)``.
    package func refDigests(in path: String) async throws -> RefDigests {
        let cache = shared.refs
        return try await onThread { try cache.snapshot(of: path).digests }
    }

    /// The same of many repositories, in their order; nil for those that cannot be read. Takes half of the
    /// reading threads: others read meanwhile.
    package func refDigests(of paths: [String]) async -> [RefDigests?] {
        let cache = shared.refs
        return await onThreads(paths) { try? cache.snapshot(of: $0).digests }.map { $0 ?? nil }
    }

    /// The refs with their digest.
    /// - Parameter pullRequests: Whether those of pull requests are among them; the digest is without.
    package func mirroredRefs(in path: String, pullRequests: Bool) async throws -> MirroredRefs {
        let cache = shared.refs
        return try await onThread {
            let snapshot = try cache.snapshot(of: path)
            var refs: [RefName: ObjectID] = [:]
            for entry in snapshot.entries where !entry.target.isZero && entry.symbolicTarget == nil {
                let isWanted =
                    Self.isMirrored(entry.name)
                    || pullRequests && RefBytes.hasPrefix(entry.name, Self.pullRequestPrefix)
                if isWanted, let name = try? RefName(entry.name) { refs[name] = entry.target }
            }
            return MirroredRefs(refs: refs, digests: snapshot.digests)
        }
    }

    /// Those of the objects that are there, in the order given.
    package func present(_ ids: [ObjectID], in path: String) async throws -> [ObjectID] {
        try await reading(path) { repository in
            try ids.filter { try repository.header($0) != nil }
        }
    }

    /// Starts `git pack-objects` for somebody who has some objects, with all their history, and wants others.
    /// - Parameter haves: All there; see ``present(_:in:)``.
    /// - Returns: The process, and what is to be written to its input.
    package func thinPack(
        wants: [ObjectID], haves: [ObjectID], in path: String
    ) throws -> (process: GitProcess, input: ByteBuffer) {
        var environment = GitEnvironment(configuration: configuration)
        environment.serveFetches(packThreads: configuration.packThreadCount)
        let process = try process(
            [
                "-C", path, "--git-dir=.", "pack-objects", "--revs", "--thin", "--stdout", "-q",
                "--delta-base-offset",
            ], name: "pack-objects", environment: environment)
        var input = ByteBuffer()
        for id in wants { input.writeString(id.hex + "\n") }
        input.writeString("--not\n")
        for id in haves { input.writeString(id.hex + "\n") }
        input.writeString("\n")
        return (process, input)
    }
}
