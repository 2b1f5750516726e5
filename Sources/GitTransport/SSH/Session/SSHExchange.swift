import HTTPServing
import NIOCore
import Synchronization

/// What a client's command says and is told, between the thread of its connection and the task that answers.
///
/// Each direction holds one block: the thread reads on when the task has taken the last one, and a task that
/// writes waits until the thread has passed all of it on. So neither side is buffered without bound.
final class SSHExchange: Sendable {
    /// The client went away while its bytes were waited for.
    struct ClientGone: Error {}

    private struct State {
        var input: ByteBuffer?
        var isInputOver = false
        var reader: CheckedContinuation<ByteBuffer?, any Error>?
        var output = CircularBuffer<Block>()
        var hasLeft = false
        var exitCode: Int32?
    }

    /// Bytes for the client, and who waits for their passing.
    private struct Block {
        let bytes: ByteBuffer
        let isError: Bool
        let writer: CheckedContinuation<Bool, Never>
    }

    /// Whether the client is still there.
    let presence = ClientPresence()
    private let waker: SSHWaker
    private let state = Mutex(State())

    init(waker: SSHWaker) {
        self.waker = waker
    }
}

/// The side of the task that answers.
extension SSHExchange {
    /// The next bytes of the client; nil at their end, or after ``stopInput()``.
    /// - Throws: ``ClientGone``, `CancellationError`.
    func read() async throws -> ByteBuffer? {
        let block = try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let answer: Result<ByteBuffer?, any Error>? = state.withLock { state in
                    // Read under the lock: a cancellation that comes later finds the reader.
                    if Task.isCancelled { return .failure(CancellationError()) }
                    if let input = state.input {
                        state.input = nil
                        return .success(input)
                    }
                    if state.isInputOver { return .success(nil) }
                    if state.hasLeft { return .failure(ClientGone()) }
                    state.reader = continuation
                    return nil
                }
                if let answer { continuation.resume(with: answer) }
            }
        } onCancel: {
            takeReader()?.resume(throwing: CancellationError())
        }
        waker.wake()
        return block
    }

    /// Ends the client's bytes for their reader.
    func stopInput() {
        let reader = state.withLock { state in
            state.isInputOver = true
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resume(returning: nil)
    }

    /// Writes to the client's standard output or standard error; returns when all of it has been passed on.
    /// - Throws: ``ClientGone``.
    func write(_ bytes: ByteBuffer, isError: Bool = false) async throws {
        guard bytes.readableBytes > 0 else { return }
        let isPassed = await withCheckedContinuation { continuation in
            let isGone = state.withLock { state in
                guard !state.hasLeft else { return true }
                state.output.append(Block(bytes: bytes, isError: isError, writer: continuation))
                return false
            }
            if isGone { continuation.resume(returning: false) } else { waker.wake() }
        }
        guard isPassed else { throw ClientGone() }
    }

    /// Ends the command; the client is told when it has been passed everything.
    func exit(_ code: Int32) {
        stopInput()
        state.withLock { $0.exitCode = code }
        waker.wake()
    }

    private func takeReader() -> CheckedContinuation<ByteBuffer?, any Error>? {
        state.withLock { state in
            defer { state.reader = nil }
            return state.reader
        }
    }
}

/// The side of the connection's thread; none of it waits.
extension SSHExchange {
    /// Whether the last block was taken and more may come.
    var takesInput: Bool {
        state.withLock { $0.input == nil && !$0.isInputOver && $0.exitCode == nil && !$0.hasLeft }
    }

    /// Whether it is the client that is waited for.
    var awaitsClient: Bool { state.withLock { $0.reader != nil || !$0.output.isEmpty } }

    /// The exit code, once everything has been passed on.
    var settledExit: Int32? { state.withLock { $0.output.isEmpty ? $0.exitCode : nil } }

    /// Hands over bytes of the client.
    func offer(_ bytes: ByteBuffer) {
        let reader = state.withLock { state -> CheckedContinuation<ByteBuffer?, any Error>? in
            guard let reader = state.reader else {
                state.input = bytes
                return nil
            }
            state.reader = nil
            return reader
        }
        reader?.resume(returning: bytes)
    }

    /// The first block that waits, without removing it.
    var nextOutput: (bytes: ByteBuffer, isError: Bool)? {
        state.withLock { $0.output.first.map { ($0.bytes, $0.isError) } }
    }

    /// Takes the first block away, since all of it has been passed on.
    func passedOutput() {
        let block = state.withLock { $0.output.popFirst() }
        block?.writer.resume(returning: true)
    }

    /// The client, its channel or its connection is gone.
    func leave() {
        let (reader, blocks) = state.withLock { state in
            state.hasLeft = true
            let reader = state.reader
            let blocks = Array(state.output)
            state.reader = nil
            state.input = nil
            state.output.removeAll()
            return (reader, blocks)
        }
        presence.leave()
        reader?.resume(throwing: ClientGone())
        for block in blocks { block.writer.resume(returning: false) }
    }
}

/// The client's bytes as the body of a request.
struct SSHInput: AsyncSequence, Sendable {
    typealias Element = ByteBuffer
    let exchange: SSHExchange

    struct AsyncIterator: AsyncIteratorProtocol {
        let exchange: SSHExchange
        mutating func next() async throws -> ByteBuffer? { try await exchange.read() }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(exchange: exchange) }
}
