import Foundation
import NodeTestKit
import Portable
import Testing

/// A mirror makes again what it was killed in the middle of, and what a power cut took from it.
@Suite struct MirrorLossTests {
    private static func fill(_ primary: RunningNode, _ git: GitClient) async throws {
        try await MirrorPair.fill(primary, git)
        for name in ["one", "two", "three"] {
            try await primary.makeRepository("PRJ", name)
            try await git.succeed("push", "--quiet", primary.remote("PRJ", name), "main", in: "work")
        }
    }

    @Test func `folders that are gone or incomplete are made and fetched again`() async throws {
        let pair = try await MirrorPair.start(fill: Self.fill)
        let mirror = pair.mirrors[0]
        let root = "\(mirror.home)/shared/data/repositories"
        try await mirror.kill()
        let manager = FileManager.default
        try manager.removeItem(atPath: "\(root)/\(try await pair.id(of: "app"))")
        for (name, file) in [("one", "HEAD"), ("two", "config")] {
            // As a file is whose name reached the disk before its content.
            try Data().write(to: URL(fileURLWithPath: "\(root)/\(try await pair.id(of: name))/\(file)"))
        }
        try manager.removeItem(atPath: "\(root)/\(try await pair.id(of: "three"))/objects")
        try await mirror.start()
        try await pair.expectEqual()
        #expect(mirror.log.contains("folders of repositories are gone or incomplete"))
        let clone = pair.git.directory.path("clone")
        try await pair.git.succeed("clone", "--quiet", "--mirror", mirror.remote("PRJ", "app"), clone)
        #expect(try await pair.copy(try await pair.id(of: "app"), on: mirror)?["status"] == "AVAILABLE")
    }

    @Test(arguments: ["mirror-rows", "mirror-folders"])
    func `a mirror that is killed while it takes repositories over has them after its next start`(
        _ place: String
    ) async throws {
        let pair = try await MirrorPair.start(fill: Self.fill)
        let mirror = pair.mirrors[0]
        let folder = "\(mirror.home)/run/failpoints"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Data().write(to: URL(fileURLWithPath: "\(folder)/\(place)"))
        // New ones and names that change places, all in one comparison.
        pair.line.behave(.reset)
        try await pair.primary.makeRepository("PRJ", "four")
        try await pair.push("main", to: "four")
        for (from, to) in [("one", "other"), ("two", "one"), ("other", "two")] {
            let answer = try await pair.primary.http.put(
                "/rest/api/latest/projects/PRJ/repos/\(from)", ["name": .string(to)])
            #expect(answer.status == 201)
        }
        #expect(
            try await pair.primary.http.delete("/rest/api/latest/projects/PRJ/repos/three").status < 300)
        pair.line.behave(.forward)
        try await waitUntil("the mirror there", detail: { mirror.log.suffix(3000).description }) {
            FileManager.default.fileExists(atPath: "\(folder)/\(place).reached")
        }
        try await mirror.kill()
        try FileManager.default.removeItem(atPath: "\(folder)/\(place)")
        try await mirror.start()
        try await pair.expectEqual()
    }
}
