import Hosting
import Portable

/// What a mirror gets with its own key: the repositories that it is to have, by their ids, and nothing else.
struct SSHMirrorFetch: Sendable {
    let hosting: Hosting
    let mirror: MirrorVisitor
    let operation: SSHOperation

    private static let folder = "/mirrored/"

    /// Answers until the mirror has what it wants.
    /// - Returns: The exit code.
    func run(_ command: SSHCommand, asked: String?) async throws -> Int32 {
        guard case .uploadPack(let path) = command, path.hasPrefix(Self.folder),
            let number = Int64(path.dropFirst(Self.folder.count)), let delegates = hosting.delegates
        else {
            await operation.say(
                "The key of \(mirror.name) fetches \(Self.folder)ID with git-upload-pack, and that is all."
            )
            return 128
        }
        let repository = try await delegates.repository(RepositoryID(number), for: mirror)
        guard repository.state == .available else {
            throw HostingError.notReady(project: repository.project.key, slug: repository.slug)
        }
        return try await SSHUploadPack(
            hosting: hosting, repository: repository, operation: operation, mirrors: delegates
        ).run(asked: asked)
    }
}

extension SSHVisitor {
    /// A mirror with its own key.
    init(_ mirror: MirrorVisitor) {
        self.init(key: -mirror.number, name: mirror.name, mirror: mirror)
    }

    /// Of these numbers, those of mirrors that are no longer accepted.
    static func revokedMirrors(among keys: Set<Int64>, _ hosting: Hosting) async throws -> Set<Int64> {
        let numbers = Set(keys.filter { $0 < 0 }.map { -$0 })
        return Set(try await hosting.delegates?.removed(among: numbers).map { -$0 } ?? [])
    }
}
