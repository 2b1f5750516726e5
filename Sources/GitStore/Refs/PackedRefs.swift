import Glibc
import Portable

/// The refs of one `packed-refs` file, as it was at one time.
final class PackedRefs: Sendable {
    /// The file's stamp; nil when there was no file.
    let stamp: FileStamp?
    /// The refs in the order of their names.
    let refs: [StoredRef]
    private let isSettled: Bool

    private init(stamp: FileStamp?, refs: [StoredRef], isSettled: Bool) {
        self.stamp = stamp
        self.refs = refs
        self.isSettled = isSettled
    }

    /// Reads the file of a repository, unless what was read before still holds.
    /// - Throws: ``GitStoreError/unreadable(operation:reason:)`` when the file is damaged.
    static func read(in repository: String, previous: PackedRefs?) throws -> PackedRefs {
        let path = repository + "/packed-refs"
        let stamp = try FileStamp.of(path)
        guard let stamp else {
            if let previous, previous.stamp == nil { return previous }
            return PackedRefs(stamp: nil, refs: [], isSettled: true)
        }
        if let previous, previous.stamp == stamp, previous.isSettled { return previous }
        let isSettled = stamp.isSettled
        guard let content = try DiskFile.read(path) else {
            return PackedRefs(stamp: nil, refs: [], isSettled: false)
        }
        let refs = try content.withUnsafeBytes { try parse($0, path: path) }
        return PackedRefs(stamp: stamp, refs: refs, isSettled: isSettled)
    }

    /// The ref of this name.
    func ref(_ name: String) -> StoredRef? {
        let place = RefBytes.lowerBound(name, in: refs, name: \.name)
        return place < refs.count && refs[place].name.utf8.elementsEqual(name.utf8) ? refs[place] : nil
    }

    private static func parse(_ bytes: UnsafeRawBufferPointer, path: String) throws -> [StoredRef] {
        var refs: [StoredRef] = []
        var (isFullyPeeled, isTagPeeled) = (false, false)
        var start = 0
        while start < bytes.count {
            guard let end = newline(in: bytes, from: start) else { throw damage(path, at: start) }
            let line = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
            switch line.first {
            case UInt8(ascii: "#"):
                let traits = String(decoding: line, as: UTF8.self).split(separator: " ")
                isFullyPeeled = isFullyPeeled || traits.contains("fully-peeled")
                isTagPeeled = isTagPeeled || traits.contains("peeled")
            case UInt8(ascii: "^"):
                guard line.count == 41, let id = ObjectID(hexBytes: line.dropFirst()), !refs.isEmpty else {
                    throw damage(path, at: start)
                }
                refs[refs.count - 1].peel = .to(id)
            default:
                guard line.count > 41, line[40] == 0x20, let id = ObjectID(hexBytes: line.prefix(40)) else {
                    throw damage(path, at: start)
                }
                let name = String(decoding: line.dropFirst(41), as: UTF8.self)
                let isPeeled = isFullyPeeled || isTagPeeled && RefBytes.hasPrefix(name, "refs/tags/")
                refs.append(StoredRef(name: name, value: .object(id), peel: isPeeled ? .notATag : .unknown))
            }
            start = end + 1
        }
        return sorted(refs)
    }

    private static func sorted(_ refs: [StoredRef]) -> [StoredRef] {
        let isSorted = zip(refs, refs.dropFirst()).allSatisfy { RefBytes.precedes($0.name, $1.name) }
        return isSorted ? refs : refs.sorted { RefBytes.precedes($0.name, $1.name) }
    }

    private static func newline(in bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
        guard let base = bytes.baseAddress else { return nil }
        guard let found = memchr(base + start, 0x0A, bytes.count - start) else { return nil }
        return UnsafeRawPointer(found) - base
    }

    private static func damage(_ path: String, at offset: Int) -> GitStoreError {
        .unreadable(operation: "read \(path)", reason: "no ref at byte \(offset)")
    }
}
