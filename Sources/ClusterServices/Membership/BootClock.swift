import Glibc

/// A clock that never jumps: time since the machine was booted, time asleep included.
package struct BootClock: Sendable {
    private let read: @Sendable () -> Duration

    /// - Parameter read: Gives the time since some moment; never less than before.
    package init(_ read: @escaping @Sendable () -> Duration) {
        self.read = read
    }

    /// The time since some moment, the same one at each call.
    package var now: Duration { read() }

    /// The system's. `CLOCK_MONOTONIC` stands still while the machine is suspended, and leases do not.
    package static let system = BootClock {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return .seconds(Int64(time.tv_sec)) + .nanoseconds(Int64(time.tv_nsec))
    }
}
