package import NIOCore
import Synchronization

/// What a process writes to its standard output, in the portions it arrives in.
///
/// At most about 512 KiB wait to be read; then the pipe fills, and the process waits. One reader at a time.
package struct ProcessOutput: AsyncSequence, Sendable {
    /// A portion of one byte or more; empty only after ``GitProcess/tellSilence(each:)``.
    package typealias Element = ByteBuffer

    let queue: OutputQueue

    /// Reads on from where the last reader stopped.
    package struct AsyncIterator: AsyncIteratorProtocol {
        let queue: OutputQueue

        /// The next portion; nil at the end.
        /// - Throws: `CancellationError` when the task is cancelled; what is unread stays readable by another
        ///   task.
        package mutating func next() async throws -> ByteBuffer? { try await queue.next() }
    }

    /// Reads on from where the last reader stopped.
    package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(queue: queue) }
}

/// Portions on their way from the event loop to the task that reads them.
final class OutputQueue: Sendable {
    private struct State {
        var portions = CircularBuffer<ByteBuffer>()
        var bytes = 0
        var isEnded = false
        var isDiscarding = false
        var isReadHeldBack = false
        var waiter: CheckedContinuation<ByteBuffer?, any Error>?
        var channel: (any Channel)?
    }

    private static let bytesMax = 512 * 1024
    private let state = Mutex(State())

    /// Takes the oldest portion, or waits for one.
    func next() async throws -> ByteBuffer? {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let (answer, resuming) = take(for: continuation)
                resuming?.read()
                if let answer { continuation.resume(with: answer) }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                defer { state.waiter = nil }
                return state.waiter
            }
            waiter?.resume(throwing: CancellationError())
        }
    }

    private func take(
        for continuation: CheckedContinuation<ByteBuffer?, any Error>
    ) -> (Result<ByteBuffer?, any Error>?, (any Channel)?) {
        state.withLock { state in
            // Read under the lock: a cancellation that comes later finds the waiter.
            guard !Task.isCancelled else { return (.failure(CancellationError()), nil) }
            if let portion = state.portions.popFirst() {
                state.bytes -= portion.readableBytes
                guard state.isReadHeldBack, state.bytes < Self.bytesMax / 2 else {
                    return (.success(portion), nil)
                }
                state.isReadHeldBack = false
                return (.success(portion), state.channel)
            }
            guard !state.isEnded else { return (.success(nil), nil) }
            precondition(state.waiter == nil, "the output of a process has one reader at a time")
            state.waiter = continuation
            return (nil, nil)
        }
    }

    /// Lets all further output pass unread, so that the process can go on to its end.
    func discard() {
        let (waiter, channel) = state.withLock { state in
            state.isDiscarding = true
            state.portions.removeAll()
            state.bytes = 0
            state.isReadHeldBack = false
            defer { state.waiter = nil }
            return (state.waiter, state.channel)
        }
        waiter?.resume(returning: nil)
        channel?.read()
    }

    /// Takes a portion from the event loop.
    func append(_ portion: ByteBuffer) {
        let waiter = state.withLock { state -> CheckedContinuation<ByteBuffer?, any Error>? in
            guard !state.isDiscarding, portion.readableBytes > 0 else { return nil }
            if let waiter = state.waiter {
                state.waiter = nil
                return waiter
            }
            state.portions.append(portion)
            state.bytes += portion.readableBytes
            return nil
        }
        waiter?.resume(returning: portion)
    }

    /// Gives an empty portion to a task that waits.
    /// - Returns: Whether there may be output yet.
    func tellSilence() -> Bool {
        let (waiter, isEnded) = state.withLock { state in
            defer { state.waiter = nil }
            return (state.waiter, state.isEnded || state.isDiscarding)
        }
        waiter?.resume(returning: ByteBuffer())
        return !isEnded
    }

    /// Whether the event loop may read on; if not, it is told when.
    func mayRead(_ channel: any Channel) -> Bool {
        state.withLock { state in
            if state.channel == nil { state.channel = channel }
            guard !state.isEnded, state.bytes >= Self.bytesMax else { return true }
            state.isReadHeldBack = true
            return false
        }
    }

    /// Takes note of the end.
    func end() {
        let waiter = state.withLock { state in
            state.isEnded = true
            state.channel = nil
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume(returning: nil)
    }
}

/// The channel's side of an ``OutputQueue``.
///
/// A pack comes from git in many small writes. Once output is seen to stream, a read that brought little is
/// followed by a short rest, in which the pipe collects what is then taken in one turn instead of ten.
final class OutputQueueHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = Never

    private static let streamBytesMin = 256 * 1024
    private static let turnBytesMin = 64 * 1024
    private static let rest = TimeAmount.milliseconds(1)

    private let queue: OutputQueue
    private var bytes = 0
    private var turnBytes = 0

    init(queue: OutputQueue) {
        self.queue = queue
    }

    func read(context: ChannelHandlerContext) {
        guard queue.mayRead(context.channel) else { return }
        let isTrickling = bytes >= Self.streamBytesMin && turnBytes < Self.turnBytesMin
        turnBytes = 0
        guard isTrickling else { return context.read() }
        let bound = context.loopBound
        context.eventLoop.scheduleTask(in: Self.rest) { bound.value.read() }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let portion = unwrapInboundIn(data)
        bytes &+= portion.readableBytes
        turnBytes &+= portion.readableBytes
        queue.append(portion)
    }

    func channelInactive(context: ChannelHandlerContext) {
        queue.end()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
