import FoundationEssentials
import Glibc
import NIOPosix
package import Portable

/// The objects of a push before they are part of the repository: a folder below the repository's own objects,
/// where git itself keeps such objects, which readers of the repository do not see.
///
/// What a killed node leaves of it is removed by ``GitStore/removeLeftovers(in:)``.
package final class Quarantine: Sendable {
    /// What the names of such folders begin with, as git's own do.
    static let prefix = "tmp_objdir-incoming-"
    /// The folder, absolute.
    package let path: String
    /// The repository.
    package let repository: String

    /// Makes an empty one. Blocks.
    init(in repository: String) throws {
        self.repository = repository
        path = "\(repository)/objects/\(Self.prefix)\(UInt64.random(in: .min ... .max))"
        for folder in [path, path + "/pack"] {
            guard mkdir(folder, 0o700) == 0 else { throw SystemCall.failure("make", folder) }
        }
    }

    /// Makes the objects part of the repository, on the disk when this returns. Blocks.
    ///
    /// An index makes its pack visible, so it comes last; and no ref may name the objects before the folder
    /// that they are in is on the disk.
    func migrate() throws {
        let (from, to) = (path + "/pack/", repository + "/objects/pack/")
        let names = try FileManager.default.contentsOfDirectory(atPath: path + "/pack")
        let ordered = names.filter { !$0.hasSuffix(".idx") } + names.filter { $0.hasSuffix(".idx") }
        for name in ordered {
            guard rename(from + name, to + name) == 0 else { throw SystemCall.failure("move", from + name) }
        }
        if !ordered.isEmpty { try DiskFile.sync(repository + "/objects/pack") }
        if rmdir(path + "/pack") != 0 || rmdir(path) != 0 { remove() }
    }

    /// Takes out all packs. Blocks.
    func empty() throws {
        let folder = path + "/pack/"
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
            guard unlink(folder + name) == 0 else { throw SystemCall.failure("remove", folder + name) }
        }
    }

    /// Removes it with all that is in it. Blocks.
    func remove() {
        try? FileManager.default.removeItem(atPath: path)
    }
}

extension GitStore {
    /// Makes a place for the objects of a push.
    package func makeQuarantine(in path: String) async throws -> Quarantine {
        try await onThread { try Quarantine(in: path) }
    }

    /// Starts `git index-pack`, which checks the pack on its standard input, object by object, and keeps it
    /// in the quarantine, on the disk.
    ///
    /// It refuses a pack of which an object refers to one that is neither in the pack nor in the repository.
    /// As all objects of a repository have come in this way, or through `git receive-pack` which checks more
    /// than that, and none is ever taken away singly, what it accepts is complete: docs/decisions/0006.
    /// - Parameter maxInputBytes: A larger pack is refused; nil: any size.
    package func indexPack(into quarantine: Quarantine, maxInputBytes: Int64?) throws -> GitProcess {
        var environment = GitEnvironment(configuration: configuration)
        environment.keepObjects(in: quarantine.path, besides: quarantine.repository + "/objects")
        var arguments = [
            "--git-dir=\(quarantine.repository)", "index-pack", "--stdin", "--fix-thin",
            "--strict=\(GitEnvironment.toleratedFaultList)",
        ]
        if let maxInputBytes, maxInputBytes > 0 { arguments.append("--max-input-size=\(maxInputBytes)") }
        return try process(arguments, name: "index-pack", environment: environment)
    }

    /// Makes the objects of a quarantine part of the repository, on the disk when this returns.
    package func migrate(_ quarantine: Quarantine) async throws {
        try await onThread { try quarantine.migrate() }
    }

    /// Removes a quarantine whose objects are not wanted.
    package func discard(_ quarantine: Quarantine) async {
        // Not on a reading thread that a cancelled task would not get.
        await withCheckedContinuation { continuation in
            shared.threads.submit { _ in
                quarantine.remove()
                continuation.resume()
            }
        }
    }

    /// Says of each ref why it cannot get its new value; nil where it can, as far as the object goes.
    /// - Parameter quarantine: Where new objects may be, beside the repository.
    package func objections(
        to changes: [RefUpdate], quarantine: Quarantine?, in path: String
    ) async throws -> [RefName: String] {
        try await reading(path, quarantine: quarantine?.path) { repository in
            var objections: [RefName: String] = [:]
            for change in changes where !change.new.isZero {
                guard let header = try repository.header(change.new) else {
                    objections[change.name] = "bad pack"
                    continue
                }
                if change.name.isBranch, header.type != OpenRepository.commitType {
                    objections[change.name] = "a branch names a commit"
                }
            }
            return objections
        }
    }

    /// Removes what killed pushes, and killed programs that write packs, left more than an hour ago.
    package func removeLeftovers(in path: String) async throws {
        try await onThread {
            let folder = path + "/objects"
            let packs = try FileManager.default.contentsOfDirectory(atPath: folder + "/pack")
                .filter { $0.hasPrefix("tmp_") || $0.hasPrefix("pack_git2_") }.map { "pack/" + $0 }
            let quarantines = try FileManager.default.contentsOfDirectory(atPath: folder)
                .filter { $0.hasPrefix(Quarantine.prefix) }
            for name in quarantines + packs {
                let leftover = folder + "/" + name
                guard let age = try Self.secondsSinceChange(leftover), age > Self.leftoverSeconds else {
                    continue
                }
                try? FileManager.default.removeItem(atPath: leftover)
            }
        }
    }

    /// A push that still comes writes into its folder more often.
    private static let leftoverSeconds = 3600

    /// How long ago a push last wrote into its folder of objects; nil when the folder has gone.
    private static func secondsSinceChange(_ path: String) throws -> Int? {
        let pack = path + "/pack"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: pack)) ?? []
        let times = try ([path, pack] + names.map { pack + "/" + $0 }).compactMap {
            try FileStamp.of($0)?.modified
        }
        return times.max().map { time(nil) - $0 }
    }
}
