import Crypto

/// A plugin's files in memory: what is run is what was checked.
struct PluginPackage: Sendable {
    /// Its checked manifest.
    let manifest: PluginManifest
    /// Its Lua files by name, `main.lua` and `lib/x.lua`; tests are left out.
    let sources: [String: [UInt8]]

    /// - Throws: ``ManifestError`` or ``PackageError``.
    init(files: [String: [UInt8]]) throws {
        guard let text = files["plugin.json"] else { throw PackageError.missing(name: "plugin.json") }
        manifest = try PluginManifest.parse(text)
        sources = files.filter { $0.key.hasSuffix(".lua") && !$0.key.hasPrefix("test/") }
        guard sources[manifest.main] != nil else { throw PackageError.missing(name: manifest.main) }
        for (name, bytes) in sources.sorted(by: { $0.key < $1.key })
        where bytes.count > PackageLimits.luaFileBytesMax {
            throw PackageError.tooLarge(
                what: "\(name) has \(bytes.count) bytes", limit: "256 KiB per Lua file")
        }
    }

    /// Reads a packed plugin.
    /// - Parameter archive: An uncompressed tar with `MANIFEST.sha256`.
    /// - Throws: ``PackageError`` when any entry or digest is not as it should be; nothing is used then.
    init(archive: [UInt8]) throws {
        var files: [String: [UInt8]] = [:]
        for entry in try TarReader.entries(of: archive) { files[entry.name] = Array(entry.bytes) }
        try Self.verify(files)
        try self.init(files: files)
    }

    /// The digest list's name.
    static let digestList = "MANIFEST.sha256"

    private static func verify(_ files: [String: [UInt8]]) throws(PackageError) {
        guard let list = files[digestList] else { throw .missing(name: digestList) }
        var listed: Set<String> = []
        for line in String(decoding: list, as: UTF8.self).split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 1)
            guard words.count == 2, words[0].utf8.count == 64 else {
                throw .digest(name: digestList, reason: "a line is not a digest, two spaces and a name")
            }
            let name = String(words[1].drop { $0 == " " })
            guard let bytes = files[name], name != digestList else {
                throw .digest(name: name, reason: "listed, but not in the archive")
            }
            let digest = SHA256.hash(data: bytes).map(hex).joined()
            guard digest == words[0].lowercased() else {
                throw .digest(name: name, reason: "the file has \(digest), the list says \(words[0])")
            }
            guard listed.insert(name).inserted else { throw .digest(name: name, reason: "listed twice") }
        }
        if let name = files.keys.sorted().first(where: { $0 != digestList && !listed.contains($0) }) {
            throw .digest(name: name, reason: "in the archive, but not listed")
        }
    }

    private static func hex(_ byte: UInt8) -> String {
        let text = String(byte, radix: 16)
        return byte < 16 ? "0\(text)" : text
    }
}
