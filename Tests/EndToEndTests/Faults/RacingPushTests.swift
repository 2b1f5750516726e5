import Foundation
import NodeTestKit
import Testing

/// Many clients want the same refs at once: one wins from each old value, the others are told.
extension GitHTTPSuite {
    @Suite struct RacingPushes {
        private static let clients = 32

        @Test func `of 32 pushes from one old value exactly one wins, and the refs are where it put them`()
            async throws
        {
            let place = try await GitHTTPSuite.makePushedPlace()
            let git = place.git
            let names = ["refs/heads/main"]
            var old = try await place.head()
            for round in 0..<2 {
                let winner = try await race(place, round: round, from: old, names: names, atomic: false)
                old = winner
            }
            #expect(try await git.succeed("ls-remote", place.remote, names[0]) == "\(old)\t\(names[0])")
            try await git.succeed("clone", "--quiet", "--mirror", place.remote, "clone.git")
            try await git.succeed("fsck", "--full", "--strict", in: "clone.git")
            // The chain of winners: each found what the one before had left.
            #expect(try await git.succeed("rev-list", "--count", "main", in: "clone.git") == "3")
        }

        @Test func `of 32 atomic pushes to three refs one moves all of them, and no other any`() async throws
        {
            let place = try await GitHTTPSuite.makePushedPlace()
            let old = try await place.head()
            let names = ["refs/heads/a", "refs/heads/b", "refs/heads/c"]
            try await place.git.succeed(
                arguments: ["push", "--quiet", place.remote] + names.map { "main:\($0)" }, in: "work")
            let winner = try await race(place, round: 0, from: old, names: names, atomic: true)
            let left = try await place.git.succeed("ls-remote", place.remote, "refs/heads/[abc]")
            #expect(left == names.map { "\(winner)\t\($0)" }.joined(separator: "\n"))
        }

        /// Pushes as many commits on `old` as there are clients to the same refs, at once.
        /// - Returns: The commit of the one that won.
        private func race(
            _ place: GitHTTPPlace, round: Int, from old: String, names: [String], atomic: Bool
        ) async throws -> String {
            let (git, remote) = (place.git, place.remote)
            var tips: [String] = []
            for client in 0..<Self.clients {
                tips.append(
                    try await git.succeed(
                        "commit-tree", "-p", old, "-m", "round \(round) client \(client)", "\(old)^{tree}",
                        in: "work"))
            }
            let outcomes = try await withThrowingTaskGroup(of: (String, ProcessOutcome).self) { group in
                for tip in tips {
                    let options =
                        names.map { "--force-with-lease=\($0):\(old)" } + (atomic ? ["--atomic"] : [])
                    let arguments = ["push"] + options + [remote] + names.map { "\(tip):\($0)" }
                    group.addTask { (tip, try await git.run(arguments: arguments, in: "work")) }
                }
                return try await group.reduce(into: [String: ProcessOutcome]()) { $0[$1.0] = $1.1 }
            }
            let winners = outcomes.filter { $0.value.succeeded }.map(\.key)
            #expect(winners.count == 1)
            for (tip, outcome) in outcomes where !winners.contains(tip) {
                #expect(outcome.errors.contains("rejected]"), "\(outcome.errors)")
            }
            return try #require(winners.first)
        }
    }
}
