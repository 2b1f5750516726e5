import Foundation
import Testing

@testable import PluginHost

@Suite struct PackageTests {
    private static let manifest = #"{"id": "com.example.x", "version": "1.0.0", "api": 1}"#

    private func problem(_ build: (inout TarBuilder) -> Void) -> String {
        var tar = TarBuilder()
        tar.add("plugin.json", Array(Self.manifest.utf8))
        build(&tar)
        return problem(tar.archive)
    }

    private func problem(_ archive: [UInt8]) -> String {
        do {
            _ = try TarReader.entries(of: archive)
            return ""
        } catch {
            return "\(error)"
        }
    }

    @Test func `regular files are read in order`() throws {
        var tar = TarBuilder()
        tar.add("lib/", kind: "5")
        tar.add("lib/a.lua", Array("return 1".utf8))
        tar.add("main.lua", Array(String(repeating: "x", count: 600).utf8))
        tar.add("deep.lua", [1], prefix: "some/folder")
        let entries = try TarReader.entries(of: tar.archive)
        #expect(entries.map(\.name) == ["lib/a.lua", "main.lua", "some/folder/deep.lua"])
        #expect(entries.map(\.bytes.count) == [8, 600, 1])
    }

    @Test func `an archive made by tar itself is read`() throws {
        let folder = try PluginFolder()
        try folder.write("x", files: ["plugin.json": Self.manifest, "lib/a.lua": "return 1"])
        let tar = Process()
        tar.executableURL = URL(filePath: "/bin/tar")
        tar.arguments = ["-C", "\(folder.path)/x", "-cf", "\(folder.path)/x.tar", "plugin.json", "lib"]
        try tar.run()
        tar.waitUntilExit()
        let bytes = [UInt8](try Data(contentsOf: URL(filePath: "\(folder.path)/x.tar")))
        #expect(try TarReader.entries(of: bytes).map(\.name) == ["plugin.json", "lib/a.lua"])
    }

    @Test(arguments: [
        ("../x.lua", "has a name with \"..\""), ("lib/../../x", "has a name with \"..\""),
        ("/etc/passwd", "has an absolute name"), ("a//b", "an empty or \".\" part"),
        ("./a", "an empty or \".\" part"),
        ("a\\b", "a character other than ASCII"), ("C:x", "a character other than ASCII"),
        ("a\nb", "a character other than ASCII"), ("é.lua", "a character other than ASCII"),
        ("", "has no name"),
        ("1/2/3/4/5/6/7/8/9", "more than 8 folders deep"), ("plugin.json", "is there twice"),
        ("PLUGIN.json", "differs from \"plugin.json\" only in case"), ("plugin.json/x", "lies below a file"),
        ("Plugin.json/x", "differs from \"plugin.json\" only in case"),
    ])
    func `names that could reach outside or meet another are refused`(name: String, expected: String) {
        let text = problem { $0.add(name, [1]) }
        #expect(text.contains(expected), "got: \(text)")
    }

    @Test(
        arguments: [
            ("1", "is a hard link"), ("2", "is a symbolic link"), ("3", "is a device"), ("4", "is a device"),
            ("6", "is a pipe"), ("7", "is a special entry"), ("x", "is a special entry"),
            ("L", "is a special entry"),
            ("g", "is a special entry"),
        ] as [(Character, String)])
    func `links devices and extended headers are refused`(kind: Character, expected: String) {
        let text = problem { $0.add("x", kind: kind) }
        #expect(text.contains(expected), "got: \(text)")
    }

    @Test func `folders that differ only in case are refused`() {
        let text = problem {
            $0.add("lib/a.lua", [1])
            $0.add("Lib/b.lua", [1])
        }
        #expect(text.contains("differs from \"lib\" only in case"))
    }

    @Test func `damaged archives are refused`() {
        #expect(problem([]).contains("ends without its two blocks of zeros"))
        #expect(problem([UInt8](repeating: 0, count: 512)).contains("after the end mark"))
        #expect(problem([UInt8](repeating: 7, count: 2048)).contains("no ustar header"))
        #expect(problem { $0.add("x", [1], checksumOffset: 1) }.contains("checksum is wrong"))
        #expect(problem { $0.add("x", [1], magic: "other\0") }.contains("no ustar header"))
        #expect(problem { $0.add("x", [1], size: 5_000) }.contains("is cut off"))
        #expect(problem { $0.add("x", [1], size: 0o77_777_777_777) }.contains("claim more than 16 MiB"))
        var tar = TarBuilder()
        tar.add("x", [1])
        #expect(problem(tar.archive + [1]).contains("after the end mark"))
        #expect(problem(tar.bytes).contains("ends without"))
    }

    @Test func `too many files are refused`() {
        let text = problem { tar in
            for index in 0..<1_001 { tar.add("f\(index)") }
        }
        #expect(text.contains("more than 1000 files"))
    }

    @Test func `a packed plugin whose digests fit is read`() throws {
        let package = try PluginPackage(
            archive: TarBuilder.packed([
                "plugin.json": Self.manifest, "main.lua": "x()", "lib/a.lua": "y()", "test/a_test.lua": "z()",
                "README.md": "text",
            ]))
        #expect(package.manifest.id == "com.example.x")
        #expect(package.sources.keys.sorted() == ["lib/a.lua", "main.lua"])
    }

    @Test func `a packed plugin whose digests do not fit is refused`() {
        let files = ["plugin.json": Self.manifest, "main.lua": "x()"]
        let right = files.mapValues { TarBuilder.digest(Array($0.utf8)) }
        func problem(_ digests: [String: String]) -> String {
            do {
                _ = try PluginPackage(archive: TarBuilder.packed(files, digests: digests))
                return ""
            } catch {
                return "\(error)"
            }
        }
        #expect(problem(right) == "")
        let other = TarBuilder.digest([1])
        let actual = TarBuilder.digest(Array("x()".utf8))
        #expect(
            problem(right.merging(["main.lua": other]) { $1 })
                == "main.lua in MANIFEST.sha256: the file has \(actual), the list says \(other)")
        #expect(problem(right.filter { $0.key != "main.lua" }).contains("in the archive, but not listed"))
        #expect(problem(right.merging(["gone.lua": other]) { $1 }).contains("listed, but not in the archive"))
        #expect(problem(right.merging(["main.lua": "abc"]) { $1 }).contains("not a digest"))
    }

    @Test func `a folder with a link is refused`() throws {
        let folder = try PluginFolder()
        try folder.write("x", files: ["plugin.json": Self.manifest])
        try FileManager.default.createSymbolicLink(
            atPath: "\(folder.path)/x/main.lua", withDestinationPath: "/etc/passwd")
        #expect(throws: PackageError.self) { try PackageFolder.files(at: "\(folder.path)/x") }
    }

    @Test func `a Lua file of more than 256 KiB is refused`() {
        #expect(
            throws: PackageError.tooLarge(what: "main.lua has 300000 bytes", limit: "256 KiB per Lua file")
        ) {
            try PluginPackage(files: [
                "plugin.json": Array(Self.manifest.utf8), "main.lua": [UInt8](repeating: 32, count: 300_000),
            ])
        }
    }
}
