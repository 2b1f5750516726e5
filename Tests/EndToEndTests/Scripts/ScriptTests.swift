import Testing

/// Each file of `scripts/` is a test: a user's session with the real program and the real git.
@Suite(.serialized) struct ScriptTests {
    @Test(.timeLimit(.minutes(10)), arguments: Script.all)
    func `a session goes as its script says`(script: Script) async throws {
        try await ScriptRun(script).run()
    }

    @Test func `there are scripts`() {
        #expect(Script.all.count >= 6)
    }
}
