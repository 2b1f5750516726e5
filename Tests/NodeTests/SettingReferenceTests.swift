import Foundation
import Testing

@testable import Node

@Suite struct SettingReferenceTests {
    /// `PERIGEE_WRITE_DOCS=1 swift test --filter SettingReferenceTests` writes the page instead.
    @Test func `the operating page lists the keys as the table has them`() throws {
        let page = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("docs/operating.md")
        let text = try String(contentsOf: page, encoding: .utf8)
        let begin = try #require(text.range(of: "<!-- configuration keys: begin -->\n"))
        let end = try #require(text.range(of: "<!-- configuration keys: end -->"))
        if ProcessInfo.processInfo.environment["PERIGEE_WRITE_DOCS"] == "1" {
            let new = text[..<begin.upperBound] + SettingReference.markdown() + text[end.lowerBound...]
            try Data(new.utf8).write(to: page)
            return
        }
        #expect(String(text[begin.upperBound..<end.lowerBound]) == SettingReference.markdown())
    }

    @Test func `every key has a sentence that says what it does`() {
        for setting in SettingTable.settings {
            #expect(setting.doc.hasSuffix(".") || setting.doc.hasSuffix("`."), "\(setting.name)")
        }
    }
}
