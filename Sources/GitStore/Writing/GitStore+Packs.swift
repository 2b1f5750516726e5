import FoundationEssentials
import Glibc
import NIOCore
import Portable

extension GitStore {
    /// How many packs a repository has.
    package func packCount(in path: String) async throws -> Int {
        try await onThread { try Self.packs(in: path).count }
    }

    /// Puts small packs together into one, so that reading stays fast however many pushes have come.
    ///
    /// Each pack that stays has at least twice as many objects as all smaller ones together, so a repository
    /// has about as many packs as its number of objects has binary digits, and an object is written anew as
    /// often. No object is left out, needed or not; and the old packs go only when the new one is on the
    /// disk. Readers and pushes go on meanwhile: git looks again where a pack has gone.
    /// - Returns: How many packs became one; 0 when there was nothing to do.
    /// - Throws: ``GitStoreError/processFailed(command:status:standardError:)``,
    ///   ``GitStoreError/diskFull(path:)``. Nothing has gone then.
    package func consolidatePacks(in path: String) async throws -> Int {
        let small = try await onThread { Self.tooSmall(try Self.packs(in: path)) }
        guard small.count > 1 else { return 0 }
        let folder = path + "/objects/pack"
        var environment = GitEnvironment(configuration: configuration)
        environment.serveFetches(packThreads: configuration.packThreadCount)
        let process = try process(
            [
                "--git-dir=\(path)", "pack-objects", "--stdin-packs", "--quiet", "--delta-base-offset",
                "--non-empty", folder + "/pack",
            ], name: "pack-objects", environment: environment)
        var input = ByteBuffer()
        for pack in small { input.writeString("\(pack.name).pack\n") }
        let answer = String(buffer: try await process.communicate(input))
        guard let hash = ObjectID(String(answer.prefix { $0 != "\n" })) else {
            throw GitStoreError.unreadable(
                operation: "put packs together", reason: "git says \(answer.prefix(80))")
        }
        try await onThread {
            try DiskFile.sync(folder)
            for pack in small where pack.name != "pack-\(hash.hex)" {
                // The index first: without it nobody looks for the pack.
                for suffix in [".idx", ".rev", ".bitmap", ".pack"] {
                    unlink("\(folder)/\(pack.name)\(suffix)")
                }
            }
        }
        return small.count
    }

    private struct Pack {
        var name: String
        var objects: Int
    }

    /// The packs that may be put together, those with the fewest objects first.
    private static func packs(in path: String) throws -> [Pack] {
        let folder = path + "/objects/pack"
        let names = Set(try FileManager.default.contentsOfDirectory(atPath: folder))
        let packs: [Pack] = names.compactMap { name in
            guard name.hasPrefix("pack-"), name.hasSuffix(".idx") else { return nil }
            let base = String(name.dropLast(4))
            // A pack that git keeps is one that a push has just brought, or that somebody wants left alone.
            guard names.contains(base + ".pack"), !names.contains(base + ".keep"),
                let objects = objectCount(ofIndex: folder + "/" + name)
            else { return nil }
            return Pack(name: base, objects: objects)
        }
        return packs.sorted { ($0.objects, $0.name) < ($1.objects, $1.name) }
    }

    /// The packs, from the smallest on, that break the progression.
    private static func tooSmall(_ packs: [Pack]) -> [Pack] {
        guard packs.count > 1 else { return [] }
        // From the largest down: how many packs already make a progression with factor two.
        var split = packs.count - 1
        while split > 0, packs[split].objects >= 2 * packs[split - 1].objects { split -= 1 }
        guard split > 0 else { return [] }
        // What is put together may be larger than the next one again.
        var sum = packs[..<split].reduce(0) { $0 + $1.objects }
        var end = split
        while end < packs.count, packs[end].objects < 2 * sum {
            sum += packs[end].objects
            end += 1
        }
        return Array(packs[..<end])
    }

    /// How many objects the index of a pack lists; nil when it is no index.
    /// - Source: gitformat-pack(5), "Version 2 pack-*.idx files".
    private static func objectCount(ofIndex path: String) -> Int? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 4)
        guard pread(descriptor, &bytes, 4, 0) == 4, bytes == [0xFF, 0x74, 0x4F, 0x63],
            pread(descriptor, &bytes, 4, 8 + 255 * 4) == 4
        else { return nil }
        return bytes.reduce(0) { $0 << 8 | Int($1) }
    }
}
