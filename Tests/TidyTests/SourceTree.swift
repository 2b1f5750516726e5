import Foundation

/// The files of this package, as the tidy rules read them.
struct SourceTree {
    /// The package's root.
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    /// Every file below `folder`, hidden ones left out, in path order.
    /// - Parameter extensions: Only files that end so.
    static func files(below folder: String, extensions: Set<String>) -> [SourceFile] {
        let base = "\(root)/\(folder)"
        guard let names = FileManager.default.enumerator(atPath: base) else { return [] }
        let paths = names.compactMap { $0 as? String }
            .filter { name in
                !name.split(separator: "/").contains { $0.hasPrefix(".") }
                    && extensions.contains((name as NSString).pathExtension)
            }
        return paths.sorted().compactMap { SourceFile(path: "\(folder)/\($0)") }
    }

    /// Every folder below `folder`, itself included, relative to the root.
    static func folders(below folder: String) -> [String] {
        guard let names = FileManager.default.enumerator(atPath: "\(root)/\(folder)") else { return [] }
        return [folder]
            + names.compactMap { $0 as? String }.filter { isFolder("\(folder)/\($0)") }.map {
                "\(folder)/\($0)"
            }
            .sorted()
    }

    /// Swift files of the program.
    static let swiftSources = files(below: "Sources", extensions: ["swift"])
    /// Swift files of the tests.
    static let swiftTests = files(below: "Tests", extensions: ["swift"])
    /// C files.
    static let cSources = files(below: "Sources", extensions: ["c", "h"])

    private static func isFolder(_ path: String) -> Bool {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: "\(root)/\(path)", isDirectory: &isFolder)
            && isFolder.boolValue
    }
}

/// One file: its lines as written, and as code with comments and literals blanked out.
struct SourceFile {
    /// Relative to the root.
    let path: String
    let lines: [String]
    let code: [String]

    init?(path: String) {
        guard let text = try? String(contentsOfFile: "\(SourceTree.root)/\(path)", encoding: .utf8) else {
            return nil
        }
        self.path = path
        lines = text.components(separatedBy: "\n")
        code = CodeMask.mask(text).components(separatedBy: "\n")
    }

    /// The second part of `Sources/<Module>/...`.
    var module: String { path.split(separator: "/").dropFirst().first.map(String.init) ?? "" }

    /// The number of lines, an empty one at the end not counted.
    var lineCount: Int { lines.last?.isEmpty == true ? lines.count - 1 : lines.count }

    /// The imported modules with their line numbers.
    var imports: [(module: String, line: Int)] {
        code.enumerated().compactMap { index, line in
            let words = line.split(separator: " ")
            guard let at = words.firstIndex(of: "import"), at + 1 < words.count,
                words[..<at].allSatisfy({ Self.importModifiers.contains(String($0)) })
            else { return nil }
            let kinds = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
            let name =
                kinds.contains(String(words[at + 1])) && at + 2 < words.count ? words[at + 2] : words[at + 1]
            return (String(name.split(separator: ".").first ?? name), index + 1)
        }
    }

    private static let importModifiers: Set = [
        "@testable", "@preconcurrency", "package", "public", "internal", "private", "fileprivate",
    ]
}
