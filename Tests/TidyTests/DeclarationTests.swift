import Foundation
import Testing

@Suite struct DeclarationTests {
    @Test func `every package declaration has a doc comment`() {
        expectNone(
            SourceTree.swiftSources.flatMap { file in
                file.code.indices.filter {
                    isPackageDeclaration(file.code[$0]) && !hasDoc(file.lines, before: $0)
                }
                .map { "\(file.path):\($0 + 1): a package declaration without a /// comment" }
            })
    }

    @Test func `access between targets is package, never public`() {
        expectNone(
            SourceTree.swiftSources.flatMap { file in
                file.code.enumerated().filter { words(of: $0.element).first == "public" }
                    .map { "\(file.path):\($0.offset + 1): public, where package is meant" }
            })
    }

    @Test func `types are not named by kind`() {
        let kinds = ["Manager", "Helper", "Helpers", "Util", "Utils", "Data", "Info"]
        let pattern = #/\b(?:struct|class|enum|actor|protocol)\s+(\w+)/#
        expectNone(
            SourceTree.swiftSources.flatMap { file in
                file.code.enumerated().compactMap { index, line -> String? in
                    guard let match = line.firstMatch(of: pattern),
                        let kind = kinds.first(where: { match.1.hasSuffix($0) })
                    else { return nil }
                    return "\(file.path):\(index + 1): \(match.1) ends in \(kind): say what it is or does"
                }
            })
    }

    @Test func `unchecked Sendable comes with its proof`() {
        expectNone(
            (SourceTree.swiftSources + SourceTree.swiftTests).flatMap { file in
                file.code.enumerated().filter { $0.element.contains("@unchecked Sendable") }.compactMap {
                    index, _ in
                    let around = file.lines[max(0, index - 6)...min(file.lines.count - 1, index + 2)]
                    let isProven = around.contains { $0.contains("// @unchecked Sendable because") }
                    return isProven ? nil : "\(file.path):\(index + 1): @unchecked Sendable without its proof"
                }
            })
    }

    private func isPackageDeclaration(_ line: String) -> Bool {
        let words = words(of: line)
        guard let at = words.firstIndex(of: "package"), at + 1 < words.count,
            words[..<at].allSatisfy({ $0.hasPrefix("@") || ["final", "static", "nonisolated"].contains($0) })
        else { return false }
        // What `description` is, CustomStringConvertible says.
        return !["import", "extension"].contains(words[at + 1]) && !line.contains("var description: String")
    }

    private func hasDoc(_ lines: [String], before index: Int) -> Bool {
        var at = index - 1
        while at >= 0 {
            let line = lines[at].trimmingCharacters(in: .whitespaces)
            if line.hasPrefix("///") { return true }
            guard line.hasPrefix("@") || (line.hasPrefix("//") && !line.isEmpty) else { return false }
            at -= 1
        }
        return false
    }

    private func words(of line: String) -> [String] {
        line.split(separator: " ").map(String.init)
    }
}
