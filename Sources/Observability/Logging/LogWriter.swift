import Dispatch
import Glibc
import Logging
import Synchronization

/// Takes lines from any thread and writes them on its own queue; whoever logs never waits for a disk or a
/// terminal.
///
/// At most 4 MiB wait; lines beyond are dropped and counted, and the count is written as a line when there is
/// room.
final class LogWriter: Sendable {
    static let waitingBytesMax = 4 * 1024 * 1024

    private struct State {
        var waiting: [UInt8] = []
        var dropped = 0
        /// Whether a drain is on the queue.
        var isScheduled = false
    }

    /// What only the queue touches.
    private struct Outputs: ~Copyable {
        var file: LogFile?
        var mirrorsStandardError: Bool
    }

    private let state = Mutex(State())
    private let outputs: Mutex<Outputs>
    private let queue = DispatchQueue(label: "perigee.log")
    private let droppedTotal = Atomic<Int>(0)

    init(configuration: LogConfiguration) {
        let file = configuration.directory.map { directory in
            LogFile(
                directory: directory, bytesMax: configuration.fileBytesMax, filesKept: configuration.filesKept
            )
        }
        outputs = Mutex(Outputs(file: file, mirrorsStandardError: configuration.standardError))
    }

    /// How many lines were dropped since the start.
    var droppedCount: Int { droppedTotal.load(ordering: .relaxed) }

    func write(_ line: [UInt8]) {
        let mustSchedule = state.withLock { state in
            guard state.waiting.count + line.count <= LogWriter.waitingBytesMax else {
                state.dropped += 1
                droppedTotal.wrappingAdd(1, ordering: .relaxed)
                return false
            }
            state.waiting.append(contentsOf: line)
            defer { state.isScheduled = true }
            return !state.isScheduled
        }
        if mustSchedule { queue.async { self.drain() } }
    }

    /// Waits until what was logged before is written, at most two seconds: standard error may lead nowhere.
    func flush() {
        let done = DispatchSemaphore(value: 0)
        queue.async {
            self.drain()
            done.signal()
        }
        _ = done.wait(timeout: .now() + .seconds(2))
    }

    private func drain() {
        let (lines, dropped) = state.withLock { state in
            defer { state = State() }
            return (state.waiting, state.dropped)
        }
        outputs.withLock { outputs in
            put(lines, to: &outputs)
            if dropped > 0 {
                let line = LogLine.bytes(
                    time: .now(), level: .warning, label: "perigee.log",
                    message: "log lines dropped: too many at once",
                    metadata: ["dropped": "\(dropped)"])
                put(line, to: &outputs)
            }
        }
    }

    private func put(_ lines: [UInt8], to outputs: inout Outputs) {
        guard !lines.isEmpty else { return }
        if outputs.file?.append(lines) == false {
            droppedTotal.wrappingAdd(lines.count { $0 == UInt8(ascii: "\n") }, ordering: .relaxed)
        }
        if outputs.mirrorsStandardError {
            outputs.mirrorsStandardError = LogWriter.mirror(lines)
        }
    }

    /// Writes to standard error, leaving out what its reader does not take within a second.
    /// - Returns: Whether it still leads anywhere.
    private static func mirror(_ lines: [UInt8]) -> Bool {
        var written = 0
        while written < lines.count {
            var request = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
            let ready = poll(&request, 1, 1000)
            if ready < 0, errno == EINTR { continue }
            if ready == 0 { return true }
            guard ready > 0, request.revents & Int16(POLLOUT) != 0 else { return false }
            // A pipe that is ready takes this much without waiting.
            let length = min(lines.count - written, 4096)
            let count = lines.withUnsafeBytes { buffer in
                Glibc.write(
                    STDERR_FILENO, UnsafeRawBufferPointer(rebasing: buffer[written...]).baseAddress, length)
            }
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            guard count > 0 else { return false }
            written += count
        }
        return true
    }
}
