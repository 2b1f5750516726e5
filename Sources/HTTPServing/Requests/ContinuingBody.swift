import NIOCore

/// Asks the connection to send `100 Continue`, if the client waits for it and no answer has begun.
struct SendContinueEvent: Sendable {}

/// A request body that says `100 Continue` when somebody begins to read it.
///
/// RFC 9110, section 10.1.1: the client of `Expect: 100-continue` sends its body only when the server wants
/// it, so a
/// request that is refused by its head alone never costs the transfer.
struct ContinuingBody<Base: AsyncSequence & Sendable>: AsyncSequence, Sendable
where Base.Element == ByteBuffer {
    typealias Element = ByteBuffer

    struct AsyncIterator: AsyncIteratorProtocol {
        var base: Base.AsyncIterator
        var channel: (any Channel)?

        mutating func next() async throws -> ByteBuffer? {
            if let channel {
                self.channel = nil
                try await channel.triggerUserOutboundEvent(SendContinueEvent()).get()
            }
            return try await base.next()
        }
    }

    let base: Base
    let channel: any Channel

    func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(base: base.makeAsyncIterator(), channel: channel)
    }
}
