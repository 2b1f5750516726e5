import Foundation
import GitStore
import NIOCore
import NodeTestKit
import Portable
import Testing

@Suite struct ProcessTests {
    private func start(_ fixture: Fixture) throws -> GitProcess {
        try fixture.store.blobStream(.zero, in: fixture.path)
    }

    private func isAlive(_ process: String) -> Bool {
        guard let number = pid_t(process.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            return false
        }
        guard kill(number, 0) == 0 else { return false }
        // A dead process whose parent is gone waits for init; it runs no more.
        let status = (try? String(contentsOfFile: "/proc/\(number)/stat", encoding: .utf8)) ?? ") Z"
        return !status.contains(") Z")
    }

    @Test func gitIsCheckedForItsPresenceAndAge() async throws {
        let fixture = try await Fixture()
        #expect(try await fixture.store.checkGit() >= .oldestSupported)
        let old = try await Fixture(script: "echo git version 2.38.4")
        await #expect(
            throws: GitStoreError.gitTooOld(
                found: GitVersion(major: 2, minor: 38, patch: 4), oldest: .oldestSupported)
        ) {
            try await old.store.checkGit()
        }
        let other = try await Fixture(script: "echo I am something else")
        await #expect(throws: GitStoreError.self) { try await other.store.checkGit() }
        let absent = try await Fixture(executable: "/nowhere/git")
        await #expect(
            throws: GitStoreError.gitUnavailable(
                executable: "/nowhere/git", reason: "No such file or directory")
        ) {
            try await absent.store.checkGit()
        }
        #expect(
            GitVersion(answer: "git version 2.39.5 (vendor-154)") == GitVersion(major: 2, minor: 39, patch: 5)
        )
        #expect(GitVersion(answer: "git version 2.45.rc0") == GitVersion(major: 2, minor: 45, patch: 0))
        #expect(GitVersion(answer: "version") == nil)
    }

    @Test func aChildSeesTheAllowedEnvironmentAndNothingElse() async throws {
        let fixture = try await Fixture(
            script: "env; set -- /proc/$$/fd/*; echo $#; cut -d ' ' -f 6 /proc/$$/stat; echo $$")
        let process = try fixture.store.receivePack(
            in: fixture.path, protocolVersion: "version=1; rm -rf /", advertise: true,
            hook: HookEnvironment(socketPath: "/run/socket", secret: "secret"), maxInputBytes: 1000)
        let lines = try await fixture.text(process).split(separator: "\n").map(String.init)
        let names = Set(lines.filter { $0.contains("=") }.map { String($0.prefix { $0 != "=" }) })
        let allowed: Set = [
            "PATH", "HOME", "LANG", "PWD", "OLDPWD", "_", "SHLVL", "PERIGEE_HOOK_SOCKET",
            "PERIGEE_HOOK_SECRET",
        ]
        let foreign = names.subtracting(allowed).filter { !$0.hasPrefix("GIT_") }
        #expect(foreign == [])
        #expect(!names.contains("GIT_PROTOCOL"))
        #expect(lines.contains("GIT_CONFIG_NOSYSTEM=1"))
        #expect(lines.contains("GIT_CONFIG_GLOBAL=/dev/null"))
        #expect(lines.contains("GIT_ALLOW_PROTOCOL="))
        #expect(lines.contains("PERIGEE_HOOK_SECRET=secret"))
        // Three streams, the script and the folder that is being listed; then its session, which it leads.
        let tail = lines.suffix(3).map { $0.trimmingCharacters(in: .whitespaces) }
        #expect(tail[0] == "5")
        #expect(tail[1] == tail[2])
    }

    @Test(arguments: ["version=0", "version=1", "version=2"])
    func theProtocolVersionIsPassedOn(version: String) async throws {
        let fixture = try await Fixture(script: "echo $GIT_PROTOCOL")
        let process = try fixture.store.uploadPack(
            in: fixture.path, protocolVersion: version, advertise: true)
        #expect(try await fixture.text(process) == version + "\n")
    }

    @Test func thePathOfARepositoryIsNeverAnOption() async throws {
        let fixture = try await Fixture(script: #"for a in "$@"; do echo "$a"; done"#)
        let process = try fixture.store.uploadPack(
            in: "--upload-pack=x", protocolVersion: nil, advertise: false)
        let arguments = try await fixture.text(process).split(separator: "\n")
        #expect(arguments.suffix(2) == ["--", "--upload-pack=x"])
        #expect(throws: GitStoreError.self) {
            try fixture.store.uploadPack(in: "a\0b", protocolVersion: nil, advertise: false)
        }
    }

    @Test func bothDirectionsStreamMoreThanAnyBufferHolds() async throws {
        let fixture = try await Fixture(script: "cat")
        let process = try start(fixture)
        let megabytes = 24
        let count = try await process.run { process in
            async let writing: Void = {
                let portion = ByteBuffer(repeating: 0x5A, count: 1024 * 1024)
                for _ in 0..<megabytes { #expect(await process.write(portion)) }
                process.finishInput()
            }()
            var count = 0
            for try await portion in process.output { count += portion.readableBytes }
            await writing
            return count
        }
        #expect(count == megabytes * 1024 * 1024)
        #expect(await process.waitForExit() == .exited(0))
    }

    @Test func aWriterWaitsForAProcessThatDoesNotReadAndAProcessForItsReader() async throws {
        let fixture = try await Fixture(script: "head -c 10000000 /dev/zero; echo done >&2; cat > /dev/null")
        let process = try start(fixture)
        try await process.run { process in
            var iterator = process.output.makeAsyncIterator()
            var count = try #require(try await iterator.next()).readableBytes
            // The process cannot be done before most of its output is taken.
            #expect(!process.standardErrorText.contains("done"))
            while count < 10_000_000 { count += try #require(try await iterator.next()).readableBytes }
            process.finishInput()
            #expect(try await iterator.next() == nil)
        }
        #expect(process.standardErrorText == "done\n")
    }

    @Test func aProcessThatNoLongerReadsIsToldByTheWriteAndItsAnswerIsStillRead() async throws {
        let fixture = try await Fixture(script: "exec 0<&-; sleep 0.1; echo answer; exit 3")
        let process = try start(fixture)
        let answer = try await process.run { process in
            let portion = ByteBuffer(repeating: 0x5A, count: 256 * 1024)
            while await process.write(portion) {}
            var answer = ""
            for try await portion in process.output { answer += String(buffer: portion) }
            return answer
        }
        #expect(answer == "answer\n")
        #expect(await process.waitForExit() == .exited(3))
    }

    @Test func standardErrorIsKeptToItsEndAndNeverStopsTheProcess() async throws {
        let fixture = try await Fixture(
            script: "yes complaint | head -c 3000000 >&2; echo last words >&2; exit 7")
        let process = try start(fixture)
        await #expect(throws: GitStoreError.self) { try await process.communicate() }
        #expect(process.status == .exited(7))
        #expect(process.standardErrorText.utf8.count <= 64 * 1024)
        #expect(process.standardErrorText.hasSuffix("last words\n"))
    }

    @Test func endingAProcessEndsAllItHasStarted() async throws {
        let fixture = try await Fixture(
            script: "trap '' TERM; sleep 1000 & echo $! ; sh -c 'trap \"\" TERM; sleep 1000' & echo $!; wait")
        let process = try start(fixture)
        let children = try await process.run { process in
            var text = ""
            for try await portion in process.output {
                text += String(buffer: portion)
                if text.filter({ $0 == "\n" }).count == 2 { break }
            }
            process.terminate(grace: .milliseconds(50))
            return text.split(separator: "\n").map(String.init)
        }
        #expect(await process.waitForExit() == .signalled(SIGKILL))
        #expect(children.count == 2)
        for child in children { try await waitUntil("the end of \(child)") { !isAlive(child) } }
    }

    @Test func whatALeaderLeavesBehindIsEndedWithIt() async throws {
        let fixture = try await Fixture(script: "sleep 1000 > /dev/null 2>&1 & echo $!; exit 0")
        let child = try await fixture.text(try start(fixture))
        // The signal has been sent; a busy machine takes a moment to deliver it.
        try await waitUntil("the child's end") { !isAlive(child) }
    }

    @Test func cancellingTheTaskEndsTheProcess() async throws {
        let fixture = try await Fixture(script: "echo started; exec sleep 1000")
        let process = try start(fixture)
        let (started, signal) = AsyncStream.makeStream(of: Void.self)
        let task = Task {
            try await process.run { process in
                for try await _ in process.output { signal.finish() }
            }
        }
        for await _ in started {}
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(process.status == .signalled(SIGTERM))
    }

    @Test func aProcessThatMustNotBeEndedGoesOnAfterItsReaderHasLeft() async throws {
        let directory = try TemporaryDirectory("going-on")
        let fixture = try await Fixture(
            script: "echo started; head -c 2000000 /dev/zero; echo finished > \(directory.path("mark"))")
        let process = try start(fixture)
        let (started, signal) = AsyncStream.makeStream(of: Void.self)
        let task = Task {
            try await process.run(endsOnFailure: { false }) { process in
                for try await _ in process.output {
                    signal.finish()
                    for await _ in AsyncStream<Void>.makeStream().stream {}
                    try Task.checkCancellation()
                }
            }
        }
        for await _ in started {}
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(process.status == .exited(0))
        #expect(FileManager.default.fileExists(atPath: directory.path("mark")))
    }

    @Test func aProcessThatNobodyHoldsIsKilled() async throws {
        let fixture = try await Fixture(script: "echo $$; exec sleep 1000")
        var process: GitProcess? = try start(fixture)
        var iterator = try #require(process).output.makeAsyncIterator()
        let number = String(buffer: try #require(try await iterator.next()))
        #expect(isAlive(number))
        process = nil
        try await waitUntil("the process is gone") { !isAlive(number) }
    }

    @Test func aThousandProcessesLeaveNoZombieAndNoOpenFile() async throws {
        let fixture = try await Fixture(script: "exit 0")
        _ = try await start(fixture).communicate()
        let before = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
        for _ in 0..<50 {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<20 { group.addTask { _ = try await start(fixture).communicate() } }
                try await group.waitForAll()
            }
        }
        let after = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
        // Other tests open files of their own meanwhile; a leak would be three for each process.
        #expect(after < before + 300)
        #expect(try zombies() < 50)
    }

    private func zombies() throws -> Int {
        let mine = "\(getpid())"
        return try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { name in
            guard Int(name) != nil,
                let status = try? String(contentsOfFile: "/proc/\(name)/stat", encoding: .utf8)
            else { return false }
            let fields = status.split(separator: ")").last?.split(separator: " ") ?? []
            return fields.count > 1 && fields[0] == "Z" && fields[1] == mine
        }.count
    }
}
