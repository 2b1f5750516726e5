import Logging
import ServiceLifecycle

/// A part of the node that starts after the part before it is up, and stops before that one does.
///
/// The service group runs all of its services at once and stops them in reverse; the order of starting is
/// made here.
struct StagedService: Service, CustomStringConvertible {
    /// What log lines call it.
    let name: String
    /// The part that must be up first.
    let after: StartSignal?
    /// Set when this part is up.
    let isUp: StartSignal
    let logger: Logger
    let start: @Sendable () async throws -> Void
    /// What it does while it is up, until ``stop`` makes it return; `nil` when it only answers calls.
    var serve: (@Sendable () async throws -> Void)?
    let stop: @Sendable () async -> Void

    var description: String { name }

    func run() async throws {
        // A node that is asked to stop before this part's turn has come does not start it any more.
        let mayStart = await cancelWhenGracefulShutdown { await after?.wait() ?? true }
        guard mayStart else {
            isUp.settle(false)
            // A service that returns by itself would be reported in place of the one that did not start.
            try? await gracefulShutdown()
            return
        }
        do {
            try await start()
        } catch {
            isUp.settle(false)
            await stop()
            throw error
        }
        logger.debug("started", metadata: ["service": "\(name)"])
        isUp.settle(true)
        guard let serve else {
            await stopWhenAsked()
            return
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await stopWhenAsked() }
            group.addTask { try await serve() }
            try await group.waitForAll()
        }
    }

    private func stopWhenAsked() async {
        // Cancellation, when the time to drain is over, ends the waiting like a graceful stop does.
        try? await gracefulShutdown()
        await stop()
        logger.debug("stopped", metadata: ["service": "\(name)"])
    }
}
