import Glibc

/// The wall clock of this node; for people and logs only, it decides nothing.
enum EpochClock {
    /// Seconds since 1970-01-01T00:00:00Z.
    static func seconds() -> Int64 { Int64(time(nil)) }
}
