import Testing

@Suite struct MeasureTests {
    @Test func `source files have at most 500 lines, test files 700`() {
        let limits = [(SourceTree.swiftSources + SourceTree.cSources, 500), (SourceTree.swiftTests, 700)]
        expectNone(
            limits.flatMap { files, limit in
                files.filter { $0.lineCount > limit }.map {
                    "\($0.path): \($0.lineCount) lines, limit \(limit)"
                }
            })
    }

    @Test func `Lua files of plugins have at most 300 lines`() {
        let files = SourceTree.files(below: "plugins", extensions: ["lua"])
        expectNone(files.filter { $0.lineCount > 300 }.map { "\($0.path): \($0.lineCount) lines, limit 300" })
    }

    @Test func `lines have at most 110 characters`() {
        let files = SourceTree.swiftSources + SourceTree.swiftTests + SourceTree.cSources
        expectNone(
            files.flatMap { file in
                file.lines.enumerated().filter { $0.element.count > 110 }
                    .map { "\(file.path):\($0.offset + 1): \($0.element.count) characters, limit 110" }
            })
    }

    @Test func `functions have at most 60 lines`() {
        let files = SourceTree.swiftSources + SourceTree.swiftTests
        expectNone(
            files.flatMap { file in
                FunctionMeasure.functions(in: file.code).filter { $0.lines > 60 }
                    .map { "\(file.path):\($0.line): \($0.lines) lines, limit 60" }
            })
    }

    @Test func `C functions have at most 60 lines`() {
        expectNone(
            SourceTree.cSources.flatMap { file in
                FunctionMeasure.cFunctions(in: file.code).filter { $0.lines > 60 }
                    .map { "\(file.path):\($0.line): \($0.lines) lines, limit 60" }
            })
    }

    @Test func `folders have at most 20 files`() {
        let folders = ["Sources", "Tests", "plugins", "sdk", "docs"].flatMap { SourceTree.folders(below: $0) }
        let files = ["swift", "c", "h", "sql", "lua", "md", "json", "txt", "sh", "modulemap"]
        let all = ["Sources", "Tests", "plugins", "sdk", "docs"]
            .flatMap { SourceTree.files(below: $0, extensions: Set(files)) }
        let counts = Dictionary(grouping: all) { file in
            file.path.lastIndex(of: "/").map { String(file.path[..<$0]) } ?? ""
        }
        expectNone(
            folders.compactMap { folder in
                let count = counts[folder]?.count ?? 0
                return count > 20 ? "\(folder): \(count) files, limit 20; use folders by noun" : nil
            })
    }

    @Test func `folders are named by noun, not by kind`() {
        let banned: Set = ["core", "common", "utils", "utilities", "models", "helpers", "misc", "shared"]
        expectNone(
            (SourceTree.folders(below: "Sources") + SourceTree.folders(below: "Tests")).filter { folder in
                banned.contains(folder.split(separator: "/").last?.lowercased() ?? "")
            }.map { "\($0): name the folder by what its files are about" })
    }

    @Test func `the architecture page has fewer than 250 lines`() throws {
        let page = try #require(SourceFile(path: "ARCHITECTURE.md"))
        #expect(page.lineCount < 250)
    }
}
