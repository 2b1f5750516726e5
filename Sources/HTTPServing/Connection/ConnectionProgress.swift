import NIOCore

/// Where one connection is in its requests and answers, and until when it may stay so.
///
/// Time comes in as an argument, so that the rules can be read and tested without a clock.
struct ConnectionProgress {
    /// What to do after a step.
    enum Action: Equatable {
        case proceed
        case close
        /// The answer is out, but the client still sends: close after it has had time to read.
        case closeLingering
    }

    /// Requests whose head was read and whose answer is not complete.
    private(set) var requestsOpen = 0
    /// Whether the body of the newest request is still coming.
    private(set) var isReadingRequest = false
    /// Whether the head of an answer is out and its end is not.
    private(set) var isAnswerOpen = false
    /// Whether the connection ends after the answer in progress.
    var closesAfterAnswer = false
    private var sawHead = false
    private var isReadWanted = false
    private var isWritable = true
    private var readSince: NIODeadline
    private var unwritableSince: NIODeadline
    private var unreadBytes = 0
    private let begun: NIODeadline
    private let headTimeout: TimeAmount
    private let idleTimeout: TimeAmount
    private let stallTimeout: TimeAmount
    /// How much of a body nobody wants is read to keep the connection.
    private static let unreadBytesMax = 8 * 1024 * 1024

    init(limits: HTTPServingConfiguration, now: NIODeadline) {
        begun = now
        readSince = now
        unwritableSince = now
        headTimeout = TimeAmount(limits.headTimeout)
        idleTimeout = TimeAmount(limits.idleTimeout)
        stallTimeout = TimeAmount(limits.stallTimeout)
    }

    /// The time at which the connection is given up, or nil while it may take as long as it wants.
    var deadline: NIODeadline? {
        var result: NIODeadline?
        if requestsOpen == 0 {
            result = sawHead ? readSince + idleTimeout : begun + headTimeout
        } else if isReadingRequest, isReadWanted {
            result = readSince + stallTimeout
        }
        if !isWritable {
            let other = unwritableSince + stallTimeout
            result = min(result ?? other, other)
        }
        return result
    }

    /// A head was read.
    mutating func readHead(now: NIODeadline) {
        sawHead = true
        isReadingRequest = true
        unreadBytes = 0
        requestsOpen += 1
        readSince = now
    }

    /// Bytes of a body were read.
    mutating func readBody(bytes: Int, now: NIODeadline) -> Action {
        readSince = now
        guard requestsOpen == 0 else { return .proceed }
        unreadBytes += bytes
        return unreadBytes > Self.unreadBytesMax ? .closeLingering : .proceed
    }

    /// The end of a request was read.
    mutating func readEnd(now: NIODeadline) {
        isReadingRequest = false
        readSince = now
    }

    /// Somebody waits for more of the request.
    mutating func wantRead(now: NIODeadline) {
        if !isReadWanted { readSince = now }
        isReadWanted = true
    }

    /// What was waited for has come.
    mutating func readComplete() { isReadWanted = false }

    /// The socket takes more bytes, or no more.
    mutating func writabilityChanged(to isWritable: Bool, now: NIODeadline) {
        self.isWritable = isWritable
        unwritableSince = now
    }

    /// The head of an answer goes out.
    mutating func writeHead() { isAnswerOpen = true }

    /// The end of an answer goes out.
    mutating func writeEnd(now: NIODeadline) -> Action {
        isAnswerOpen = false
        requestsOpen = max(0, requestsOpen - 1)
        readSince = now
        guard requestsOpen == 0, closesAfterAnswer else { return .proceed }
        return isReadingRequest ? .closeLingering : .close
    }
}
