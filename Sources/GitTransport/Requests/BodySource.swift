import Hummingbird
import NIOCore
import Synchronization

/// A request body of which the beginning has been looked at.
///
/// The rest is taken by one reader, in whichever task that runs.
final class BodySource: Sendable {
    private let rest: Mutex<RequestBody.AsyncIterator?>

    /// - Parameter rest: Continues after what has been read already.
    init(rest: consuming sending RequestBody.AsyncIterator) {
        self.rest = Mutex(rest)
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
