import Foundation
import GitStore
import NIOCore
import NodeTestKit
import Portable
import Testing

@Suite struct HookTests {
    private func run(
        _ listener: HookListener?, input: String = "old new refs/heads/main\n", name: String = "pre-receive",
        environment: [String: String] = [:], directory: TemporaryDirectory
    ) async throws -> ProcessOutcome {
        let link = directory.path(name)
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: Executable.perigeeHook)
        let base = [
            "PERIGEE_HOOK_SOCKET": listener?.path ?? directory.path("absent.sock"),
            "PERIGEE_HOOK_SECRET": "secret",
        ]
        return try await ChildProcess.run(
            [link], environment: base.merging(environment) { $1 }, directory: directory.path,
            input: Data(input.utf8))
    }

    @Test func theNodeIsToldEverythingAndItsVerdictIsPassedOn() async throws {
        let directory = try TemporaryDirectory("hook")
        let listener = try HookListener(in: directory, reply: .verdict(code: 7, text: "first\nsecond"))
        defer { listener.stop() }
        let outcome = try await run(
            listener, name: "post-receive",
            environment: [
                "GIT_QUARANTINE_PATH": "/q", "GIT_PUSH_OPTION_COUNT": "2", "GIT_PUSH_OPTION_0": "a=b",
                "GIT_PUSH_OPTION_1": "",
            ], directory: directory)
        #expect(outcome.status == 7)
        #expect(outcome.errors == "first\nsecond\n")
        #expect(outcome.output == "")
        let expected = HookListener.Request(
            secret: "secret", hook: "post-receive", quarantine: "/q", options: ["a=b", ""],
            input: "old new refs/heads/main\n")
        #expect(listener.requests == [expected])
    }

    @Test func fiftyThousandRefsAreSentWhole() async throws {
        let directory = try TemporaryDirectory("hook")
        let listener = try HookListener(in: directory, reply: .verdict(code: 0, text: ""))
        defer { listener.stop() }
        let zero = ObjectID.zero.hex
        let input = (0..<50_000).map { "\(zero) \(zero) refs/heads/branch-\($0)\n" }.joined()
        let outcome = try await run(listener, input: input, directory: directory)
        #expect(outcome.status == 0)
        #expect(outcome.errors == "")
        #expect(listener.requests.first?.input == input)
    }

    @Test func aVerdictThatComesBeforeTheRequestIsReadCounts() async throws {
        let directory = try TemporaryDirectory("hook")
        let listener = try HookListener(in: directory, reply: .earlyVerdict(code: 3, text: "no"))
        defer { listener.stop() }
        let outcome = try await run(listener, input: "x", directory: directory)
        #expect(outcome.status == 3 || outcome.errors.contains("gave no answer"))
    }

    @Test func withoutTheNodeThePushIsRefusedWithOneSentence() async throws {
        let directory = try TemporaryDirectory("hook")
        let outcome = try await run(nil, directory: directory)
        #expect(outcome.status == 1)
        #expect(outcome.errors.split(separator: "\n").count == 1)
        #expect(outcome.errors.contains("Try again"))
        let long = try await run(
            nil, name: "update",
            environment: ["PERIGEE_HOOK_SOCKET": "/" + String(repeating: "x", count: 500)],
            directory: directory)
        #expect(long.status == 1)
    }

    @Test(arguments: [[], [0], [0, 0, 0, 0, 9, 0x41], [0, 0xFF, 0xFF, 0xFF, 0xFF]] as [[UInt8]])
    func anAnswerThatEndsEarlyOrMakesNoSenseRefusesThePush(bytes: [UInt8]) async throws {
        let directory = try TemporaryDirectory("hook")
        let listener = try HookListener(in: directory, reply: .bytes(bytes))
        defer { listener.stop() }
        let outcome = try await run(listener, directory: directory)
        #expect(outcome.status == 1)
        #expect(outcome.errors.split(separator: "\n").count == 1)
    }

    @Test func aPushThatDidNotComeThroughTheNodeIsRefused() async throws {
        let fixture = try await Fixture()
        let work = try await fixture.pushCommits()
        try FileManager.default.createSymbolicLink(
            atPath: fixture.hooks + "/pre-receive", withDestinationPath: Executable.perigeeHook)
        try await fixture.git.commit(in: work, file: "b", text: "b")
        try await fixture.git.succeed("config", "core.hooksPath", fixture.hooks, in: fixture.path)
        let outcome = try await fixture.git.run("push", fixture.path, "main", in: work)
        #expect(!outcome.succeeded)
        #expect(
            outcome.errors.contains("remote: The push was not accepted: it did not come through the server."))
    }
}
