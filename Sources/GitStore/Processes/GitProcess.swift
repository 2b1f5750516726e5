import Glibc
package import NIOCore
import NIOPosix

/// A running `git` program, its children, and the pipes to it; both directions stream, and wait for the
/// slower side.
///
/// It leads a session of its own: ending it ends all it has started. Once nobody holds the value, it is
/// killed.
package final class GitProcess: Sendable {
    /// What it was started as, for messages: `upload-pack`.
    package let name: String
    private let exit: ChildExit
    private let eventLoop: any EventLoop
    private let queue = OutputQueue()
    private let tail = StandardErrorTail()
    private let input: EventLoopFuture<any Channel>
    private let standardError: EventLoopFuture<any Channel>

    /// Starts a program.
    /// - Parameter arguments: Without the program's name.
    /// - Parameter environment: All of it, as `NAME=value`.
    init(
        name: String, executable: String, arguments: [String], environment: [String],
        group: any EventLoopGroup
    ) throws {
        self.name = name
        eventLoop = group.any()
        let child = try SpawnedChild.spawn(
            executable: executable, arguments: arguments, environment: environment)
        exit = ChildExit(process: child.process)
        do {
            try ProcessReaper.shared.watch(exit)
        } catch {
            for descriptor in [child.input, child.output, child.standardError] { close(descriptor) }
            exit.signalGroup(SIGKILL)
            exit.reap()
            throw error
        }
        let (queue, tail) = (queue, tail)
        input = Self.channel(writingTo: child.input, on: eventLoop)
        Self.channel(
            readingFrom: child.output, on: eventLoop, bufferBytes: 256 * 1024,
            handler: { OutputQueueHandler(queue: queue) }
        ).whenFailure { _ in queue.end() }
        standardError = Self.channel(
            readingFrom: child.standardError, on: eventLoop, bufferBytes: 4096,
            handler: { StandardErrorHandler(tail: tail) })
    }

    deinit {
        exit.signalGroup(SIGKILL)
        queue.discard()
        finishInput()
    }

    /// Its standard output.
    package var output: ProcessOutput { ProcessOutput(queue: queue) }

    /// The last 64 KiB of its standard error; whole once ``waitForExit()`` has returned.
    package var standardErrorText: String { tail.text }

    /// How it ended; nil while it runs.
    package var status: ExitStatus? { exit.status }

    /// Writes to its standard input, and waits until the pipe has taken all of it.
    /// - Returns: Whether it was taken; false when the process no longer reads, which is no error in itself.
    @discardableResult
    package func write(_ bytes: ByteBuffer) async -> Bool {
        do {
            try await input.flatMap { $0.writeAndFlush(bytes) }.get()
            return true
        } catch {
            return false
        }
    }

    /// Ends its standard input; later writes return false.
    package func finishInput() {
        input.whenSuccess { $0.close(promise: nil) }
    }

    /// Gives whoever waits for output an empty portion now and then, until the output ends.
    package func tellSilence(each interval: Duration) {
        let time = TimeAmount(interval)
        eventLoop.scheduleRepeatedTask(initialDelay: time, delay: time) { [queue] task in
            if !queue.tellSilence() { task.cancel() }
        }
    }

    /// Lets all further output pass unread, so that the process can go on to its end.
    package func discardOutput() {
        queue.discard()
    }

    /// Suspends until it has ended and its standard error is complete, whether or not the task is cancelled.
    ///
    /// Somebody must read or discard the output meanwhile, and finish the input.
    @discardableResult
    package func waitForExit() async -> ExitStatus {
        let status = await exit.wait()
        // Whatever was left of its group is dead by now; only something that left the group can still hold
        // the pipe.
        let limit = eventLoop.scheduleTask(in: .seconds(1)) { [standardError] in
            standardError.whenSuccess { $0.close(promise: nil) }
        }
        try? await standardError.flatMap(\.closeFuture).get()
        limit.cancel()
        return status
    }

    /// Asks the whole group to end, and kills it after a while.
    /// - Parameter grace: How long it may take to clean up; zero kills at once.
    package func terminate(grace: Duration = .seconds(2)) {
        guard grace > .zero else { return exit.signalGroup(SIGKILL) }
        exit.signalGroup(SIGTERM)
        let exit = exit
        let kill = eventLoop.scheduleTask(in: TimeAmount(grace)) { exit.signalGroup(SIGKILL) }
        exit.whenEnded { kill.cancel() }
    }

    private static func channel(
        writingTo descriptor: CInt, on eventLoop: any EventLoop
    ) -> EventLoopFuture<any Channel> {
        let channel = NIOPipeBootstrap(group: eventLoop).takingOwnershipOfDescriptor(output: descriptor)
        channel.whenFailure { _ in close(descriptor) }
        return channel
    }

    private static func channel(
        readingFrom descriptor: CInt, on eventLoop: any EventLoop, bufferBytes: Int,
        handler: @escaping @Sendable () -> some ChannelHandler
    ) -> EventLoopFuture<any Channel> {
        let channel = NIOPipeBootstrap(group: eventLoop)
            .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: bufferBytes))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(handler())
                }
            }
            .takingOwnershipOfDescriptor(input: descriptor)
        channel.whenFailure { _ in close(descriptor) }
        return channel
    }
}
