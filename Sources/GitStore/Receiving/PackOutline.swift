import CGit2

/// What the entries of a pack say of their sizes, without their content: how much memory it takes to put the
/// objects together.
///
/// Nothing is believed: an entry that holds more than it says is refused, and so is everything that cannot be
/// understood.
/// - Source: gitformat-pack(5), "pack-*.pack files have the following format".
struct PackOutline {
    /// How many objects it has.
    private(set) var objects = 0
    /// How large its objects are together, with what its deltas build upon and make, in bytes.
    private(set) var bytes: UInt64 = 0

    private static let headerLength = 12
    private static let checksumLength = 20
    private static let offsetDelta: UInt8 = 6
    private static let namedDelta: UInt8 = 7
    /// A delta begins with two numbers of at most ten bytes each.
    private static let deltaHeaderLength = 20

    /// - Parameter pack: All of it, with its checksum, which is not looked at.
    /// - Returns: nil for what is no pack, or needs more than is allowed.
    init?(_ pack: UnsafeRawBufferPointer, objectsMax: Int, bytesMax: UInt64) {
        guard pack.count >= Self.headerLength + Self.checksumLength,
            pack.prefix(8).elementsEqual([0x50, 0x41, 0x43, 0x4B, 0, 0, 0, 2])
        else { return nil }
        let count = pack[8..<12].reduce(0) { $0 << 8 | Int($1) }
        guard count <= objectsMax else { return nil }
        var rest = pack[Self.headerLength..<(pack.count - Self.checksumLength)]
        for _ in 0..<count {
            guard let entry = Entry(&rest, bytesMax: bytesMax), entry.bytes <= bytesMax,
                bytes + entry.bytes <= bytesMax
            else { return nil }
            bytes += entry.bytes
        }
        guard rest.isEmpty else { return nil }
        objects = count
    }

    /// One object, or what makes one of another.
    private struct Entry {
        /// At most twice the greatest that is allowed.
        var bytes: UInt64

        init?(_ rest: inout Slice<UnsafeRawBufferPointer>, bytesMax: UInt64) {
            guard let first = rest.popFirst() else { return nil }
            let type = first >> 4 & 7
            var size = UInt64(first & 15)
            if first & 0x80 != 0 {
                guard let more = PackOutline.number(&rest), more <= bytesMax else { return nil }
                size |= more << 4
            }
            guard size <= bytesMax else { return nil }
            switch type {
            case 1...4: break
            case PackOutline.offsetDelta:
                guard let end = rest.firstIndex(where: { $0 & 0x80 == 0 }) else { return nil }
                rest = rest[(end + 1)...]
            case PackOutline.namedDelta:
                guard rest.count >= PackOutline.checksumLength else { return nil }
                rest = rest.dropFirst(PackOutline.checksumLength)
            default: return nil
            }
            guard let (length, beginning) = PackOutline.inflate(UnsafeRawBufferPointer(rebasing: rest), size)
            else { return nil }
            rest = rest.dropFirst(length)
            bytes = size
            guard type == PackOutline.offsetDelta || type == PackOutline.namedDelta else { return }
            var header = beginning[...]
            guard let base = PackOutline.number(&header), let result = PackOutline.number(&header),
                base <= bytesMax / 4, result <= bytesMax / 4
            else { return nil }
            bytes += base + result
        }
    }

    /// A number in groups of seven bits, the lowest first.
    private static func number<Bytes: Collection<UInt8>>(_ bytes: inout Bytes) -> UInt64?
    where Bytes.SubSequence == Bytes {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 56, by: 7) {
            guard let byte = bytes.popFirst() else { return nil }
            value |= UInt64(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return value }
        }
        return nil
    }

    /// Goes over a compressed entry.
    /// - Returns: How many bytes it takes, and what it begins with; nil unless it holds just as many bytes as
    ///   it says.
    private static func inflate(
        _ input: UnsafeRawBufferPointer, _ size: UInt64
    ) -> (length: Int, beginning: [UInt8])? {
        var stream = z_stream()
        guard inflateInit_(&stream, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size)) == Z_OK else {
            return nil
        }
        defer { inflateEnd(&stream) }
        stream.next_in = UnsafeMutablePointer(mutating: input.bindMemory(to: UInt8.self).baseAddress)
        stream.avail_in = CUnsignedInt(clamping: input.count)
        var beginning: [UInt8] = []
        return withUnsafeTemporaryAllocation(byteCount: 16 * 1024, alignment: 1) { scratch in
            while true {
                stream.next_out = scratch.bindMemory(to: UInt8.self).baseAddress
                stream.avail_out = CUnsignedInt(scratch.count)
                let code = CGit2.inflate(&stream, Z_NO_FLUSH)
                guard code == Z_OK || code == Z_STREAM_END, UInt64(stream.total_out) <= size else {
                    return nil
                }
                if beginning.isEmpty {
                    let written = scratch.count - Int(stream.avail_out)
                    beginning = Array(scratch.prefix(min(written, deltaHeaderLength)))
                }
                guard code == Z_STREAM_END else { continue }
                return UInt64(stream.total_out) == size ? (Int(stream.total_in), beginning) : nil
            }
        }
    }
}
