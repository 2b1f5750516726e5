/// Reads an uncompressed tar archive of regular files and folders, and refuses everything else.
///
/// The form is POSIX ustar: 512-byte blocks, a header and then the file's bytes, ended by two blocks of
/// zeros. Links, devices, extended headers and GNU's long names are refused: a plugin has no use for them.
enum TarReader {
    /// One regular file.
    struct Entry {
        let name: String
        let bytes: ArraySlice<UInt8>
    }

    private static let block = 512

    /// The regular files, in the archive's order.
    /// - Throws: ``PackageError`` before anything is returned, also for names that repeat or differ only in
    ///   case.
    static func entries(of archive: [UInt8]) throws(PackageError) -> [Entry] {
        guard archive.count <= PackageLimits.bytesMax + PackageLimits.filesMax * 2 * block else {
            throw .tooLarge(what: "the archive has \(archive.count) bytes", limit: "16 MiB")
        }
        var entries: [Entry] = []
        var names = NameCheck()
        var total = 0
        var offset = 0
        while true {
            guard offset + block <= archive.count else {
                throw .notATar(offset: offset, reason: "it ends without its two blocks of zeros")
            }
            let header = archive[offset..<offset + block]
            if header.allSatisfy({ $0 == 0 }) {
                try checkEnd(archive[offset...])
                return entries
            }
            let (name, size, isFolder) = try fields(header)
            try names.add(name, isFolder: isFolder)
            offset += block
            if isFolder { continue }
            guard entries.count < PackageLimits.filesMax else {
                throw .tooLarge(what: "more than \(PackageLimits.filesMax) files", limit: "1,000")
            }
            guard size <= PackageLimits.bytesMax - total else {
                throw .tooLarge(what: "the files claim more than 16 MiB", limit: "16 MiB")
            }
            let padded = (size + block - 1) / block * block
            guard offset + padded <= archive.count else {
                throw .notATar(offset: offset, reason: "the file \"\(name)\" is cut off")
            }
            entries.append(Entry(name: name, bytes: archive[offset..<offset + size]))
            total += size
            offset += padded
        }
    }

    private static func checkEnd(_ rest: ArraySlice<UInt8>) throws(PackageError) {
        guard rest.count >= 2 * block, rest.allSatisfy({ $0 == 0 }) else {
            throw .notATar(offset: rest.startIndex, reason: "there is something after the end mark")
        }
    }

    private static func fields(
        _ header: ArraySlice<UInt8>
    ) throws(PackageError) -> (name: String, size: Int, isFolder: Bool) {
        let start = header.startIndex
        guard header[(start + 257)..<(start + 262)].elementsEqual("ustar".utf8) else {
            throw .notATar(offset: start, reason: "no ustar header")
        }
        guard octal(header[(start + 148)..<(start + 156)]) == checksum(header) else {
            throw .notATar(offset: start, reason: "a header's checksum is wrong")
        }
        let short = text(header[start..<(start + 100)])
        let prefix = text(header[(start + 345)..<(start + 500)])
        var name = prefix.isEmpty ? short : "\(prefix)/\(short)"
        let kind = header[start + 156]
        let isFolder = kind == UInt8(ascii: "5")
        if isFolder, name.hasSuffix("/") { name.removeLast() }
        guard isFolder || kind == UInt8(ascii: "0") || kind == 0 else {
            throw .badEntry(name: name, reason: "is a \(kindName(kind)); only files and folders are allowed")
        }
        if let problem = PackageFileName.problem(of: name) { throw .badEntry(name: name, reason: problem) }
        guard let size = octal(header[(start + 124)..<(start + 136)]), !isFolder || size == 0 else {
            throw .notATar(offset: start, reason: "the size of \"\(name)\" is not a number")
        }
        return (name, size, isFolder)
    }

    private static func kindName(_ kind: UInt8) -> String {
        switch kind {
        case UInt8(ascii: "1"): "hard link"
        case UInt8(ascii: "2"): "symbolic link"
        case UInt8(ascii: "3"), UInt8(ascii: "4"): "device"
        case UInt8(ascii: "6"): "pipe"
        default: "special entry"
        }
    }

    private static func checksum(_ header: ArraySlice<UInt8>) -> Int {
        let field = (header.startIndex + 148)..<(header.startIndex + 156)
        return header.indices.reduce(0) { $0 + (field.contains($1) ? 32 : Int(header[$1])) }
    }

    private static func text(_ field: ArraySlice<UInt8>) -> String {
        String(decoding: field.prefix { $0 != 0 }, as: UTF8.self)
    }

    private static func octal(_ field: ArraySlice<UInt8>) -> Int? {
        let digits = field.drop { $0 == 32 }.prefix { $0 != 0 && $0 != 32 }
        guard !digits.isEmpty, digits.count <= 11 else { return nil }
        var value = 0
        for digit in digits {
            guard (48...55).contains(digit) else { return nil }
            value = value * 8 + Int(digit - 48)
        }
        return value
    }
}
