import Foundation
import NodeTestKit
import Testing

/// Clones that the node answers with `git pack-objects`, and what it leaves to `git upload-pack`.
extension GitHTTPSuite {
    @Suite struct WholeClones {
        /// A `fetch` of protocol version 2.
        private func fetch(_ arguments: String...) -> Data {
            let lines = arguments.map { GitHTTPWire.packet($0 + "\n") }.joined()
            return Data(
                (GitHTTPWire.packet("command=fetch") + GitHTTPWire.packet("object-format=sha1") + "0001"
                    + lines + "0000").utf8)
        }

        private func send(_ place: GitHTTPPlace, _ body: Data) async throws -> HTTPAnswer {
            try await place.node.http.send(
                "POST", place.target("git-upload-pack"), headers: GitHTTPWire.headers("git-upload-pack"),
                body: body)
        }

        @Test(arguments: ["--quiet", "--progress"])
        func `a clone with and without progress brings everything`(mode: String) async throws {
            let place = try await GitHTTPSuite.makePushedPlace()
            let git = place.git
            for number in 1...4 { try await git.commit(in: "work", file: "f\(number)", text: "\(number)\n") }
            try await git.succeed("tag", "-a", "-m", "tag", "v1", "HEAD~1", in: "work")
            try await git.succeed(
                "push", "--quiet", place.remote, "main", "v1", "HEAD~2:refs/heads/side", in: "work")
            try await git.succeed("clone", mode, "--mirror", place.remote, "all.git")
            try await git.succeed("fsck", "--full", "--strict", in: "all.git")
            let listed = try await git.succeed("ls-remote", place.remote, "refs/*").split(separator: "\n")
            let refs = try await git.refs(in: "all.git").split(separator: "\n")
            #expect(refs.count == 3 && listed.count == 4)  // a tag is listed with what is behind it
            // One branch, with the tags that point into it.
            try await git.succeed(
                "clone", mode, "--single-branch", "--branch", "main", place.remote, "one")
            #expect(try await git.succeed("tag", in: "one") == "v1")
            try await git.succeed("fsck", "--full", "--strict", in: "one")
        }

        @Test func `what no ref points at is refused in git's words`() async throws {
            let place = try await GitHTTPSuite.makePushedPlace()
            let unknown = String(repeating: "1", count: 40)
            let answer = try await send(place, fetch("no-progress", "want \(unknown)", "done"))
            #expect(answer.text.contains("ERR upload-pack: not our ref \(unknown)"))
        }

        @Test func `a damaged repository is told in a sentence, and the clone fails`() async throws {
            let place = try await GitHTTPSuite.makePushedPlace()
            let folder = "\(place.node.home)/shared/data/repositories/\(place.id)"
            let tree = try await place.git.succeed("rev-parse", "HEAD^{tree}", in: "work")
            try await place.git.succeed("unpack-objects", "-q", in: folder, input: try pack(in: folder))
            let object = "\(folder)/objects/\(tree.prefix(2))/\(tree.dropFirst(2))"
            try FileManager.default.removeItem(atPath: object)
            let clone = try await place.git.run("clone", "--quiet", place.remote, "broken")
            #expect(!clone.succeeded)
            #expect(clone.errors.contains("the repository may be damaged"))
            #expect(!clone.errors.contains(folder))
        }

        private func packs(in folder: String) throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: folder + "/objects/pack")
                .map { "\(folder)/objects/pack/\($0)" }
        }

        /// The bytes of the only pack, which is moved away, so that its objects can be made loose.
        private func pack(in folder: String) throws -> Data {
            let files = try packs(in: folder).filter { $0.hasSuffix(".pack") }
            let file = try #require(files.first)
            let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
            try removePacks(in: folder)
            return bytes
        }

        private func removePacks(in folder: String) throws {
            for file in try packs(in: folder) { try FileManager.default.removeItem(atPath: file) }
        }
    }
}
