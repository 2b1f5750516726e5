internal import GitStore
internal import Hosting
internal import NIOCore
internal import Portable

extension RepositoryFetch {
    /// Asks for one pack over SSH; the rest is as over HTTPS: git checks and indexes it where nobody sees it.
    func fetch(
        _ changes: [RefChange], haves: [ObjectID], over ssh: UpstreamSSH, _ repository: Repository,
        _ path: String
    ) async throws -> (Quarantine?, Int64) {
        let request = PackRequest(
            wants: Set(changes.map(\.to)).sorted { $0.hex < $1.hex },
            haves: haves.prefix(Self.havesMax).sorted { $0.hex < $1.hex })
        let quarantine = try await hosting.git.makeQuarantine(in: path)
        do {
            let bytes = try await ssh.use { line in
                try await index(request, over: line, repository, quarantine)
            }
            let missing = try await hosting.git.objections(
                to: changes.map { RefUpdate(name: $0.ref, old: $0.from, new: $0.to) },
                quarantine: quarantine, in: path)
            guard missing.isEmpty else {
                throw PeerError.notUnderstood(
                    url: upstream.baseURL, reason: "its pack lacks an object that was asked for")
            }
            return (quarantine, bytes)
        } catch {
            await hosting.git.discard(quarantine)
            throw error
        }
    }

    private func index(
        _ request: PackRequest, over line: SSHLine, _ repository: Repository, _ quarantine: Quarantine
    ) async throws -> Int64 {
        let indexer = try hosting.git.indexPack(into: quarantine, maxInputBytes: nil)
        let bytes = try await indexer.run { indexer in
            var bytes: Int64 = 0
            try await hosting.git.fetchPack(
                request, of: "/mirrored/\(repository.id)", over: line, timeout: Self.timeout
            ) { piece in
                bytes += Int64(piece.readableBytes)
                progress(bytes)
                // It says below why it takes no more.
                return await indexer.write(piece)
            }
            return bytes
        }
        let status = await indexer.waitForExit()
        guard status.isSuccess else { throw indexer.failure(status) }
        return bytes
    }
}
