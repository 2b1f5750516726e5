import Foundation
import HostAPI
import PluginHost
import Portable
import Testing

/// What a plugin can reach by a name. After a change that is meant, run this suite with
/// `PERIGEE_WRITE_NAMES=1`, and read the difference in `sdk/conformance/lib/names.lua` line by line.
@Suite struct ReachableNamesTests {
    private static let frozen = "sdk/conformance/lib/names.lua"

    @Test func `a plugin reaches the names of the frozen list and no others`() async throws {
        let walker = try #require(ProjectFiles.text("sdk/conformance/lib/walker.lua"))
        let server = try await TestServer.running("return (function()\n\(walker)\nend)()")
        let found = try await server.run([:])[0]?.listValue?.compactMap(\.stringValue) ?? []
        await server.stop()
        #expect(found.contains("perigee.kv.get function") && found.contains("string.format function"))
        if ProcessInfo.processInfo.environment["PERIGEE_WRITE_NAMES"] == "1" {
            let text = Self.file(
                found, what: "What code in a plugin can reach by a name, as `walker.lua` lists it.")
            try Data(text.utf8).write(to: URL(filePath: ProjectFiles.root + Self.frozen))
        }
        let kept = try Self.names(#require(ProjectFiles.text(Self.frozen)))
        #expect(Set(found).subtracting(kept) == [], "new names")
        #expect(Set(kept).subtracting(found) == [], "missing names")
        #expect(kept == found)
    }

    private static let frozenMethods = "sdk/conformance/lib/methods.lua"

    /// Objects come from calls, where the walk does not get: their methods are a list of their own.
    @Test func `the objects of the host have the methods of the frozen list and no others`() throws {
        let found = HostAPI.declarations().flatMap { module in
            module.classes.flatMap { kind in
                kind.methods.map { "\(kind.fullName):\($0.name)" }
                    + kind.fields.map { "\(kind.fullName).\($0.name)" }
            }
        }.sorted()
        #expect(found.contains("perigee.Cache:get"))
        if ProcessInfo.processInfo.environment["PERIGEE_WRITE_NAMES"] == "1" {
            let text = Self.file(found, what: "What the objects have that functions of the host give.")
            try Data(text.utf8).write(to: URL(filePath: ProjectFiles.root + Self.frozenMethods))
        }
        let kept = try Self.names(#require(ProjectFiles.text(Self.frozenMethods)))
        #expect(Set(found).subtracting(kept) == [], "new methods")
        #expect(kept == found)
    }

    private static func file(_ names: [String], what: String) -> String {
        let lines = names.map { "  '\($0)'," }.joined(separator: "\n")
        return """
            --- \(what)
            --- Frozen: a test fails on any difference.
            return {
            \(lines)
            }

            """
    }

    private static func names(_ text: String) -> [String] {
        text.split(separator: "\n").filter { $0.hasPrefix("  '") && $0.hasSuffix("',") }
            .map { String($0.dropFirst(3).dropLast(2)) }
    }
}
