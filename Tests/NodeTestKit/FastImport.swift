package import Foundation

/// Makes large repositories fast, by `git fast-import`.
package enum FastImport {
    /// Makes a bare repository at `path`.
    /// - Parameter commits: Length of the chain on `main`; each changes one of 100 small files.
    /// - Parameter branches: How many branches `branch/00000`... besides, spread evenly over the chain.
    /// - Parameter tags: How many tags `v00000`..., likewise; every second one is annotated.
    package static func makeRepository(
        at path: String, commits: Int, branches: Int = 0, tags: Int = 0, git: GitClient
    ) async throws {
        try await git.succeed("init", "--quiet", "--bare", "--initial-branch=main", path)
        let stream = stream(commits: max(1, commits), branches: branches, tags: tags)
        try await git.succeed(
            "fast-import", "--quiet", in: path, input: Data(stream.utf8), deadline: .seconds(300))
    }

    /// Bytes that no compression makes smaller.
    package static func noise(bytes: Int) throws -> Data {
        let source = try FileHandle(forReadingFrom: URL(fileURLWithPath: "/dev/urandom"))
        return try source.read(upToCount: bytes) ?? Data()
    }

    private static func stream(commits: Int, branches: Int, tags: Int) -> String {
        var text = ""
        text.reserveCapacity(commits * 220)
        for number in 1...commits {
            let body = "line \(number)\n"
            let message = "commit \(number)\n"
            text += "commit refs/heads/main\nmark :\(number)\n"
            text += "committer Carl Committer <carl@example.org> \(1_700_000_000 + number) +0000\n"
            text += "data \(message.utf8.count)\n\(message)"
            if number > 1 { text += "from :\(number - 1)\n" }
            text += "M 100644 inline folder/file-\(number % 100).txt\ndata \(body.utf8.count)\n\(body)\n"
        }
        for number in 0..<branches {
            text += "reset refs/heads/branch/\(padded(number))\nfrom :\(1 + number % commits)\n\n"
        }
        for number in 0..<tags {
            let name = "v\(padded(number))"
            let mark = ":\(1 + number % commits)"
            if number.isMultiple(of: 2) {
                text += "reset refs/tags/\(name)\nfrom \(mark)\n\n"
            } else {
                text += "tag \(name)\nfrom \(mark)\n"
                text +=
                    "tagger Ada Author <ada@example.org> 1700000000 +0000\ndata \(name.utf8.count)\n\(name)\n"
            }
        }
        return text + "done\n"
    }

    private static func padded(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
    }
}
