import Synchronization

/// Gives each request its id and counts the requests that are being answered.
///
/// The shape is the original's: `@` or `*`, a prefix that is new with each process, then the minute of the
/// day, the
/// number of the request and the number of requests in progress, parted by `x`. `*` marks the request as not
/// the
/// first one of its process.
package enum RequestIDs {
    private static let prefix = String(
        UInt32.random(in: 0x1000_0000...UInt32.max), radix: 36, uppercase: true)
    private static let count = Atomic<UInt64>(0)
    private static let inFlight = Atomic<Int>(0)

    /// A new id; unique within this process, and with great likelihood among all processes.
    package static func next() -> String {
        let number = count.wrappingAdd(1, ordering: .relaxed).newValue
        let seconds = EpochClock.seconds()
        let minuteOfDay = (seconds / 60) % 1_440
        let concurrent = inFlight.load(ordering: .relaxed)
        return "\(number == 1 ? "@" : "*")\(prefix)x\(minuteOfDay)x\(number)x\(concurrent)"
    }

    /// Marks the beginning of a request and returns the number now in progress.
    static func enter() -> Int { inFlight.wrappingAdd(1, ordering: .relaxed).newValue }

    /// Marks the end of a request and returns the number now in progress.
    static func leave() -> Int { inFlight.wrappingSubtract(1, ordering: .relaxed).newValue }
}
