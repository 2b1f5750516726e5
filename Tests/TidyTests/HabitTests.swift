import Foundation
import Testing

@Suite struct HabitTests {
    @Test func `what may trap is not in the sources`() {
        let banned = [
            ("try!", "handle the error"), ("as!", "use as? and handle nil"),
            ("fatalError", "throw, or use a precondition with a sentence for a programmer's error"),
        ]
        expectNone(
            SourceTree.swiftSources.flatMap { file in
                file.code.enumerated().flatMap { index, line in
                    banned.filter { line.contains($0.0) }
                        .map { "\(file.path):\(index + 1): \($0.0): \($0.1)" }
                }
            })
    }

    @Test func `no note of unfinished work is left behind`() {
        let words = ["TO" + "DO", "FIX" + "ME", "XX" + "X"]
        let files =
            SourceTree.swiftSources + SourceTree.cSources + SourceTree.swiftTests
            + SourceTree.files(below: "plugins", extensions: ["lua"])
        expectNone(
            files.flatMap { file in
                file.lines.enumerated().compactMap { index, line in
                    let word = words.first { line.contains($0) && !line.contains("\($0)X") }
                    return word.map { "\(file.path):\(index + 1): \($0): finish it, or open an issue" }
                }
            })
    }

    @Test func `tests do not sleep`() {
        let banned = ["Task.sleep", "Thread.sleep", "usleep(", "nanosleep("]
        expectNone(
            SourceTree.swiftTests.filter { $0.path != "Tests/NodeTestKit/Waiting.swift" }.flatMap { file in
                file.code.enumerated().filter { _, line in banned.contains { line.contains($0) } }
                    .filter { file.path != "Tests/NodeTestKit/ChildProcess.swift" || $0.offset < 0 }
                    .map { "\(file.path):\($0.offset + 1): wait for a fact by waitUntil, not for time" }
            })
    }

    @Test func `migrations are in pairs`() {
        let files = SourceTree.files(below: "Sources", extensions: ["sql"]).map(\.path)
        let all = Set(files)
        let engines = [".sqlite.sql": ".postgres.sql", ".postgres.sql": ".sqlite.sql"]
        expectNone(
            files.compactMap { path in
                for (own, other) in engines where path.hasSuffix(own) {
                    let twin = path.dropLast(own.count) + other
                    return all.contains(String(twin)) ? nil : "\(path): \(twin) is missing"
                }
                return "\(path): name it NNNN-name.sqlite.sql or NNNN-name.postgres.sql"
            })
    }

    @Test func `doors contain no SQL`() {
        let pattern = #/"(?:SELECT|INSERT INTO|UPDATE|DELETE FROM) /#
        let doors: Set = ["RESTAPI", "GitTransport", "HTTPServing", "HostAPI"]
        expectNone(
            SourceTree.swiftSources.filter { doors.contains($0.module) }.flatMap { file in
                file.lines.enumerated().filter { $0.element.contains(pattern) }
                    .map { "\(file.path):\($0.offset + 1): SQL in a door; ask Hosting" }
            })
    }
}
