package import NIOCore
import Portable

extension GitStore {
    /// Answers the protocol v2 command `ls-refs` in this process, byte for byte as `git upload-pack` does.
    /// - Returns: The packets with the closing flush.
    /// - Source: gitprotocol-v2(5), "ls-refs".
    package func lsRefs(in path: String, request: LsRefsRequest) async throws -> ByteBuffer {
        let cache = shared.refs
        return try await onThread {
            let snapshot = try cache.snapshot(of: path)
            return snapshot.answer(request) { Self.encode(snapshot, request) }
        }
    }

    /// So many prefixes or more are taken as none, as git does.
    private static let prefixCountMax = 65_536

    private static func encode(_ snapshot: RefSnapshot, _ request: LsRefsRequest) -> ByteBuffer {
        let prefixes = request.prefixes.count < prefixCountMax ? request.prefixes : []
        var line = LineEncoder(request: request)
        if let head = snapshot.head,
            prefixes.isEmpty || prefixes.contains(where: { RefBytes.hasPrefix("HEAD", $0) }),
            head.target != nil || request.unborn && request.symrefs && head.branch != nil
        {
            line.append("HEAD", head.target, symbolicTarget: head.branch, peeled: head.peeled)
        }
        for range in ranges(of: prefixes, in: snapshot.entries) {
            for entry in snapshot.entries[range] where !isHidden(entry.name) {
                line.append(
                    entry.name, entry.target, symbolicTarget: entry.symbolicTarget, peeled: entry.peeled)
            }
        }
        line.buffer.writePktLine(.flush)
        return line.buffer
    }

    /// The places of the entries that begin with one of the prefixes, in order and without overlap.
    private static func ranges(of prefixes: [String], in entries: [RefSnapshot.Entry]) -> [Range<Int>] {
        guard !prefixes.isEmpty else { return [entries.indices] }
        var ranges: [Range<Int>] = []
        var last: String?
        for prefix in prefixes.sorted(by: RefBytes.precedes) {
            // A longer prefix that begins like the one before it adds nothing.
            if let last, RefBytes.hasPrefix(prefix, last) { continue }
            last = prefix
            let start = RefBytes.lowerBound(prefix, in: entries, name: \.name)
            var end = start
            while end < entries.count, RefBytes.hasPrefix(entries[end].name, prefix) { end += 1 }
            if start < end { ranges.append(start..<end) }
        }
        return ranges
    }
}

/// Writes the lines of an answer.
private struct LineEncoder {
    let request: LsRefsRequest
    var buffer = ByteBuffer()
    private var hex: [UInt8] = []

    init(request: LsRefsRequest) {
        self.request = request
    }

    mutating func append(_ name: String, _ target: ObjectID?, symbolicTarget: String?, peeled: ObjectID?) {
        let symbolicTarget = request.symrefs ? symbolicTarget : nil
        let peeled = request.peel && target != nil ? peeled : nil
        var length = (target == nil ? 6 : 40) + 1 + name.utf8.count + 1
        if let symbolicTarget { length += 15 + symbolicTarget.utf8.count }
        if peeled != nil { length += 48 }
        // Longer names than fit into a packet cannot be stored as files either.
        guard length <= PktLine.payloadBytesMax else { return }
        buffer.writePktLineLength(payload: length)
        if let target { write(target) } else { buffer.writeString("unborn") }
        buffer.writeString(" ")
        buffer.writeString(name)
        if let symbolicTarget {
            buffer.writeString(" symref-target:")
            buffer.writeString(symbolicTarget)
        }
        if let peeled {
            buffer.writeString(" peeled:")
            write(peeled)
        }
        buffer.writeString("\n")
    }

    private mutating func write(_ id: ObjectID) {
        hex.removeAll(keepingCapacity: true)
        id.appendHex(to: &hex)
        buffer.writeBytes(hex)
    }
}
