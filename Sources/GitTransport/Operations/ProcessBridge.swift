import GitStore
import HTTPServing
import Hummingbird
import NIOCore

/// Connects a git process with what a client says and reads, with back-pressure in both directions.
struct ProcessBridge: Sendable {
    let process: GitProcess
    let presence: ClientPresence
    /// Whether the process must come to its end even without a client.
    let mustFinish: @Sendable () -> Bool

    /// Runs the process to its end.
    /// - Parameter first: Given to the process before the rest of the body.
    /// - Parameter body: nil for a process that reads nothing.
    /// - Parameter output: Takes what the process says; the process waits while it runs.
    /// - Throws: What `output` throws, or the error of a body that breaks off; the process group has been
    ///   ended
    ///   then, unless it must finish.
    func run(
        first: ByteBuffer = ByteBuffer(), body: BodySource?, output: (ByteBuffer) async throws -> Void
    ) async throws -> ExitStatus {
        let process = self.process
        let mustFinish = self.mustFinish
        try await presence.withDepartureHandler {
            try await process.run(endsOnFailure: { !mustFinish() }) { process in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        try await Self.feed(process, first: first, body: body, mustFinish: mustFinish)
                    }
                    for try await part in process.output { try await output(part) }
                    // The process has said everything; what it has not read by now it does not want. The
                    // rest of an HTTP body is still awaited, not cancelled: that keeps the connection for the
                    // next request.
                    process.finishInput()
                    body?.stop?()
                }
            }
        } onDeparture: {
            if !mustFinish() { process.terminate() }
        }
        return await process.waitForExit()
    }

    private static func feed(
        _ process: GitProcess, first: ByteBuffer, body: BodySource?, mustFinish: @Sendable () -> Bool
    ) async throws {
        defer { process.finishInput() }
        if first.readableBytes > 0, await !process.write(first) { return }
        guard let body, var rest = body.take() else { return }
        do {
            while let part = try await rest.next() {
                guard await process.write(part) else { return }
            }
        } catch {
            if !mustFinish() {
                process.terminate()
                throw error
            }
        }
    }
}
