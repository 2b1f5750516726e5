import Hummingbird
import NIOCore
import Synchronization

/// A request body of which the beginning has been looked at.
///
/// The rest is taken by one reader, in whichever task that runs.
final class BodySource: Sendable {
    private let rest: Mutex<RequestBody.AsyncIterator?>
    /// Called when nobody reads on; nil where the rest of the body is awaited, unread.
    let stop: (@Sendable () -> Void)?

    /// - Parameter rest: Continues after what has been read already.
    /// - Parameter stop: Ends the body for its reader, where a client waits for the answer before it ends it.
    init(rest: consuming sending RequestBody.AsyncIterator, stop: (@Sendable () -> Void)? = nil) {
        self.rest = Mutex(rest)
        self.stop = stop
    }

    /// The rest, for the first who asks.
    func take() -> sending RequestBody.AsyncIterator? {
        rest.withLock { rest in
            let taken = rest
            rest = nil
            return taken
        }
    }
}
