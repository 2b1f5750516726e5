internal import GitStore
internal import Hosting
internal import Portable

extension RepositoryFetch {
    /// Asks for one pack over SSH, and lets git check and index it.
    func take(
        _ changes: [RefChange], haves: [ObjectID], over ssh: UpstreamSSH, _ repository: Repository,
        in path: String
    ) async throws -> Arrival {
        let request = PackRequest(
            wants: changes.tips.sorted { $0.hex < $1.hex },
            haves: haves.prefix(Self.havesMax).sorted { $0.hex < $1.hex })
        return try await ssh.use { line in
            try await index(in: path, isLast: true) { write in
                try await hosting.git.fetchPack(
                    request, of: "/mirrored/\(repository.id)", over: line, timeout: Self.timeout, to: write)
            }
        }
    }
}
