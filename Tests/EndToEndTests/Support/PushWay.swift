import Foundation
import NodeTestKit

/// Which of the two ways a push takes: small ones are carried out by the node itself, others by `git
/// receive-pack`.
enum PushWay: String, CaseIterable {
    case inNode
    case inGit
}

extension GitHTTPPlace {
    /// Commits something to `main` whose push takes the way: what is larger than `http.postBuffer` goes in
    /// chunks.
    func commit(for way: PushWay) async throws {
        if way == .inGit {
            var random = SystemRandomNumberGenerator()
            let bytes = (0..<25_000).flatMap { _ in withUnsafeBytes(of: random.next()) { Array($0) } }
            try Data(bytes).write(to: URL(fileURLWithPath: git.directory.path("work/random.bin")))
            try await git.succeed("add", "random.bin", in: "work")
        }
        try await git.commit(in: "work", file: "text", text: "\(UUID())\n")
    }

    /// Runs `git push` with a buffer that sets the ways apart: git keeps 64 KiB of it free.
    func push(_ arguments: String...) async throws -> ProcessOutcome {
        try await git.run(arguments: ["-c", "http.postBuffer=131072", "push"] + arguments, in: "work")
    }
}

/// A place in the node at which a test holds pushes up.
struct HeldUp {
    private let file: String

    /// Holds up whoever comes there from now on.
    /// - Parameter name: As the node's source names it.
    init(_ name: String, home: String) throws {
        let folder = home + "/run/failpoints"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        file = folder + "/" + name
        try Data().write(to: URL(fileURLWithPath: file))
    }

    /// Waits until somebody is held up.
    func wait() async throws {
        let reached = file + ".reached"
        try await waitUntil("\(file)") { FileManager.default.fileExists(atPath: reached) }
    }

    /// Lets all go on, now and later.
    func release() throws {
        try FileManager.default.removeItem(atPath: file)
        try? FileManager.default.removeItem(atPath: file + ".reached")
    }
}
