package import Foundation
import Synchronization

/// How a child process ended, with all that it wrote.
package struct ProcessOutcome: Sendable {
    /// The exit code, or 128 plus the signal's number.
    package var status: Int32
    /// Everything it wrote to standard output.
    package var outputBytes: Data
    /// Everything it wrote to standard error.
    package var errorBytes: Data

    /// An outcome of these parts.
    package init(status: Int32, outputBytes: Data, errorBytes: Data) {
        self.status = status
        self.outputBytes = outputBytes
        self.errorBytes = errorBytes
    }

    /// Standard output as text.
    package var output: String { String(decoding: outputBytes, as: UTF8.self) }
    /// Standard error as text.
    package var errors: String { String(decoding: errorBytes, as: UTF8.self) }
    /// Whether the exit code is 0.
    package var succeeded: Bool { status == 0 }
}

/// A child process in a process group of its own, whose output is collected while it runs.
///
/// One thread spawns it, and waits for it: the child asks the kernel for SIGKILL should that thread go
/// (through
/// `setpriv --pdeathsig`), so that a test run that is itself killed leaves nothing behind.
package final class ChildProcess: Sendable {
    /// The process id, which is also the id of its process group.
    package let processID: Int32
    private let state: Mutex<State>

    private struct State {
        var output = Data()
        var errors = Data()
        var openStreams = 2
        var status: Int32?
        var waiters: [CheckedContinuation<Void, Never>] = []
        var isOver: Bool { status != nil && openStreams == 0 }
    }

    /// Starts `command`; its first word is looked up in `PATH`.
    /// - Parameter environment: The whole environment of the child; nothing is inherited.
    /// - Parameter directory: Where it runs; the temporary folder when `nil`.
    /// - Parameter input: What it reads from standard input, which then ends.
    /// - Throws: ``TestKitError/system(call:code:)`` when it cannot be started.
    package static func start(
        _ command: [String], environment: [String: String], directory: String? = nil, input: Data = Data()
    ) async throws -> ChildProcess {
        try await withCheckedThrowingContinuation { continuation in
            let thread = Thread {
                do {
                    let spawned = try SpawnedChild(command, environment: environment, directory: directory)
                    let child = ChildProcess(spawned)
                    child.collect(spawned, input: input)
                    continuation.resume(returning: child)
                    child.reap()
                } catch {
                    continuation.resume(throwing: error)
                }
            }
            thread.stackSize = 512 * 1024
            thread.start()
        }
    }

    /// Runs `command` to its end.
    /// - Parameter deadline: After this it is killed, and the error says so.
    /// - Throws: ``TestKitError/deadline(waitedFor:detail:)``, ``TestKitError/system(call:code:)``.
    package static func run(
        _ command: [String], environment: [String: String], directory: String? = nil, input: Data = Data(),
        deadline: Duration = .seconds(120)
    ) async throws -> ProcessOutcome {
        let child = try await start(command, environment: environment, directory: directory, input: input)
        return try await child.waitForExit(deadline: deadline)
    }

    private init(_ spawned: SpawnedChild) {
        processID = spawned.processID
        state = Mutex(State())
    }

    deinit {
        if state.withLock({ $0.status }) == nil { kill(-processID, SIGKILL) }
    }

    /// What it wrote to standard output so far.
    package var output: String { String(decoding: state.withLock { $0.output }, as: UTF8.self) }

    /// What it wrote to standard error so far.
    package var errors: String { String(decoding: state.withLock { $0.errors }, as: UTF8.self) }

    /// Whether it has not ended yet.
    package var isRunning: Bool { state.withLock { $0.status } == nil }

    /// Sends a signal to the process alone, not to its group; nothing happens once it has ended.
    package func signal(_ number: Int32) {
        state.withLock { if $0.status == nil { kill(processID, number) } }
    }

    /// Waits for its end and for the end of its output.
    /// - Throws: ``TestKitError/deadline(waitedFor:detail:)`` after killing the process group.
    package func waitForExit(deadline: Duration = .seconds(120)) async throws -> ProcessOutcome {
        let watchdog = Task {
            try await Task.sleep(for: deadline)
            killGroup()
            return
        }
        let begun = ContinuousClock.now
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state -> Bool in
                guard !state.isOver else { return true }
                state.waiters.append(continuation)
                return false
            }
            if isOver { continuation.resume() }
        }
        watchdog.cancel()
        let outcome = state.withLock {
            ProcessOutcome(status: $0.status ?? -1, outputBytes: $0.output, errorBytes: $0.errors)
        }
        guard ContinuousClock.now - begun < deadline else {
            throw TestKitError.deadline(
                waitedFor: "the end of process \(processID)", detail: outcome.output + outcome.errors)
        }
        return outcome
    }

    /// Kills the process and all of its group at once.
    package func killGroup() {
        state.withLock { if $0.status == nil { kill(-processID, SIGKILL) } }
    }

    private func collect(_ spawned: SpawnedChild, input: Data) {
        startReading(spawned.output) { $0.output.append($1) }
        startReading(spawned.errors) { $0.errors.append($1) }
        let descriptor = spawned.input
        Thread.detachNewThread {
            input.withUnsafeBytes { (bytes: UnsafeRawBufferPointer) in
                var rest: Slice<UnsafeRawBufferPointer> = bytes[0...]
                while !rest.isEmpty {
                    let count = Foundation.write(
                        descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                    guard count > 0 else { break }
                    rest = rest.dropFirst(count)
                }
            }
            close(descriptor)
        }
    }

    private func startReading(_ descriptor: Int32, _ append: @escaping @Sendable (inout State, Data) -> Void)
    {
        Thread.detachNewThread { [self] in
            var buffer = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = read(descriptor, &buffer, buffer.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { break }
                let piece = Data(buffer[..<count])
                state.withLock { append(&$0, piece) }
            }
            close(descriptor)
            finish { $0.openStreams -= 1 }
        }
    }

    private func reap() {
        var raw: Int32 = 0
        // WNOWAIT first: the id must not be free for another process while `signal` may still use it.
        var facts = siginfo_t()
        while waitid(P_PID, id_t(processID), &facts, WEXITED | WNOWAIT) < 0, errno == EINTR {}
        finish { state in
            while waitpid(processID, &raw, 0) < 0, errno == EINTR {}
            let signal = raw & 0x7f
            state.status = signal == 0 ? (raw >> 8) & 0xff : 128 + signal
        }
    }

    private func finish(_ change: (inout State) -> Void) {
        let waiters = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            change(&state)
            guard state.isOver else { return [] }
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }
}
