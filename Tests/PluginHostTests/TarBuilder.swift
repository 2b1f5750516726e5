import Crypto

/// Builds tar archives, right ones and hostile ones.
struct TarBuilder {
    var bytes: [UInt8] = []

    /// A header and the content, padded to whole blocks.
    mutating func add(
        _ name: String, _ content: [UInt8] = [], kind: Character = "0", size: Int? = nil,
        magic: String = "ustar\0",
        checksumOffset: Int = 0, prefix: String = ""
    ) {
        var header = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, at offset: Int) {
            for (index, byte) in text.utf8.enumerated() { header[offset + index] = byte }
        }
        func octal(_ value: Int, digits: Int) -> String {
            let text = String(value, radix: 8)
            return String(repeating: "0", count: max(0, digits - text.count)) + text
        }
        put(String(name.prefix(100)), at: 0)
        put(octal(0o644, digits: 7), at: 100)
        put(octal(size ?? content.count, digits: 11), at: 124)
        put("        ", at: 148)
        put(String(kind), at: 156)
        put(magic, at: 257)
        put(prefix, at: 345)
        let sum = header.reduce(0) { $0 + Int($1) } + checksumOffset
        put(octal(sum, digits: 6) + "\0 ", at: 148)
        bytes += header + content
        bytes += [UInt8](repeating: 0, count: (512 - content.count % 512) % 512)
    }

    /// Ended as it should be.
    var archive: [UInt8] { bytes + [UInt8](repeating: 0, count: 1024) }

    /// A packed plugin with its digests.
    static func packed(_ files: [String: String], digests: [String: String]? = nil) -> [UInt8] {
        var tar = TarBuilder()
        let list = digests ?? files.mapValues { digest(Array($0.utf8)) }
        let lines = list.sorted { $0.key < $1.key }.map { "\($0.value)  \($0.key)\n" }.joined()
        let all = files.merging(["MANIFEST.sha256": lines]) { $1 }
        for (name, text) in all.sorted(by: { $0.key < $1.key }) { tar.add(name, Array(text.utf8)) }
        return tar.archive
    }

    static func digest(_ bytes: [UInt8]) -> String {
        SHA256.hash(data: bytes).map { byte in
            let text = String(byte, radix: 16)
            return byte < 16 ? "0\(text)" : text
        }.joined()
    }
}
