import Glibc

/// A moment of the machine's clock.
struct LogTime {
    var seconds: Int
    var milliseconds: Int

    static func now() -> LogTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return LogTime(seconds: time.tv_sec, milliseconds: time.tv_nsec / 1_000_000)
    }

    /// Appends `2026-11-21T02:25:56.123Z`.
    func append(to bytes: inout [UInt8]) {
        var seconds = seconds
        var parts = tm()
        gmtime_r(&seconds, &parts)
        let fields: [(value: Int, width: Int, end: Character)] = [
            (Int(parts.tm_year) + 1900, 4, "-"), (Int(parts.tm_mon) + 1, 2, "-"),
            (Int(parts.tm_mday), 2, "T"),
            (Int(parts.tm_hour), 2, ":"), (Int(parts.tm_min), 2, ":"), (Int(parts.tm_sec), 2, "."),
            (milliseconds, 3, "Z"),
        ]
        for field in fields {
            let digits = String(field.value)
            bytes.append(
                contentsOf: repeatElement(UInt8(ascii: "0"), count: max(0, field.width - digits.utf8.count)))
            bytes.append(contentsOf: digits.utf8)
            bytes.append(contentsOf: String(field.end).utf8)
        }
    }
}
