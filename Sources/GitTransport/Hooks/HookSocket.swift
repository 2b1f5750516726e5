import Glibc
import HTTPServing
package import Hosting
package import Logging
package import NIOCore
import NIOPosix

/// The Unix socket that git's hooks call back to.
///
/// A hook proves by its push's secret that it belongs to a push of this node; the socket itself can be
/// reached by
/// this user alone.
package actor HookSocket {
    private typealias Connection = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    /// Where hooks find the socket; at most 100 bytes.
    package nonisolated let path: String
    private nonisolated let place: HookSocketPlace
    private nonisolated let answerer: HookAnswerer
    private let eventLoopGroup: any EventLoopGroup
    private let decision: TimedDecision
    private let logger: Logger
    private var server: NIOAsyncChannel<Connection, Never>?

    /// Finds the place for the socket; it is opened by ``start()``.
    /// - Parameter timeout: How long one hook may wait for its answer, whatever the guards do meanwhile.
    /// - Throws: ``HookSocketError`` when there is no private folder for it.
    package init(
        pushes: Pushes, layout: HomeLayout, eventLoopGroup: any EventLoopGroup, logger: Logger,
        timeout: Duration = .seconds(120)
    ) throws(HookSocketError) {
        place = try HookSocketPlace(run: layout.run)
        path = place.path
        answerer = HookAnswerer(pushes: pushes, logger: logger)
        self.eventLoopGroup = eventLoopGroup
        decision = TimedDecision(timeout: timeout)
        self.logger = logger
    }

    /// Opens the socket; hooks that call now are answered as soon as ``run()`` runs.
    /// - Throws: ``HookSocketError/bind(path:reason:)``.
    package func start() async throws {
        do {
            unlink(path)
            let server = try await ServerBootstrap(group: eventLoopGroup)
                .serverChannelOption(.backlog, value: 256)
                .childChannelOption(.allowRemoteHalfClosure, value: true)
                .bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try Connection(wrappingChannelSynchronously: channel)
                    }
                }
            self.server = server
            guard chmod(path, 0o600) == 0 else {
                throw HookSocketError.bind(path: path, reason: "mode: error \(errno)")
            }
        } catch let error as HookSocketError {
            throw error
        } catch {
            throw HookSocketError.bind(path: path, reason: "\(error)")
        }
    }

    /// Answers hooks until ``stop()``; hooks that are being answered then get their answers.
    package func run() async throws {
        guard let server else { return }
        try await server.executeThenClose { connections in
            try await withThrowingDiscardingTaskGroup { group in
                for try await connection in connections {
                    group.addTask { await self.serve(connection) }
                }
            }
        }
    }

    /// Closes the socket and removes it.
    package func stop() async {
        try? await server?.channel.close()
        place.remove()
    }

    private nonisolated func serve(_ connection: Connection) async {
        let executor = EventLoopExecutor(connection.channel.eventLoop)
        do {
            try await withTaskExecutorPreference(executor) {
                try await connection.executeThenClose { inbound, outbound in
                    let reply = try await self.reply(to: inbound, on: executor)
                    try await outbound.write(reply.bytes)
                }
            }
        } catch {
            await log(error)
        }
    }

    private nonisolated func reply(
        to inbound: NIOAsyncChannelInboundStream<ByteBuffer>, on executor: EventLoopExecutor
    ) async throws -> HookReply {
        var bytes = ByteBuffer()
        do {
            for try await part in inbound {
                bytes.writeImmutableBuffer(part)
                guard bytes.readableBytes <= HookRequest.bytesMax else {
                    return .refuse("The push changes too many refs at once. Push them in smaller portions.")
                }
                if let request = try HookRequest.parse(&bytes) {
                    let answerer = answerer
                    return await decision.reply(on: executor, refuse: HookReply.refuse) {
                        await answerer.reply(to: request)
                    }
                }
            }
        } catch let error as HookRequestError {
            await log(error)
            return .refuse("The server could not read its own hook's request. Tell its administrator.")
        }
        return .refuse("The hook's request broke off. Push again.")
    }

    private func log(_ error: any Error) {
        logger.warning("hook connection failed", metadata: ["error": "\(error)"])
    }
}
