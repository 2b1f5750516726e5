import FoundationEssentials
import PluginHost
import Portable

/// `perigee.time`: clocks and times as text.
enum TimeModule {
    static func module() -> HostModule {
        HostModule(
            "time", summary: "Tells the time. Times are whole milliseconds since 1970, in UTC.",
            functions: [now, monotonic, iso, parse])
    }

    private static let now = HostFunction(
        "now", summary: "Gives the time of this node's clock.",
        results: [HostResult("milliseconds", .integer, "Since 1970.")],
        example: """
            local pushed_at = perigee.time.now()
            """,
        body: .reading { Int64(Date().timeIntervalSince1970 * 1_000) })

    private static let start = ContinuousClock.now

    private static let monotonic = HostFunction(
        "monotonic", summary: "Gives a clock that never goes back, for measuring how long something takes.",
        results: [HostResult("milliseconds", .integer, "Since some moment before.")],
        example: """
            local before = perigee.time.monotonic()
            local took = perigee.time.monotonic() - before
            """,
        body: .reading {
            let (seconds, attoseconds) = start.duration(to: .now).components
            return seconds * 1_000 + attoseconds / 1_000_000_000_000_000
        })

    /// 31 December 9999, the last time that has the usual form.
    private static let last: Int64 = 253_402_300_799_999

    private static let iso = HostFunction(
        "iso", summary: "Writes a time as ISO 8601, in UTC.",
        parameters: [HostParameter("milliseconds", .integer, "Since 1970; up to the year 9999.")],
        results: [HostResult("text", .string, "`2026-11-21T02:25:56.123Z`.")],
        example: """
            perigee.log.info(perigee.time.iso(perigee.time.now()))
            """,
        body: .quick { call in
            guard let milliseconds = call.integer(0), (0...last).contains(milliseconds) else {
                throw HostFailure.misuse(
                    "bad argument #1 'milliseconds' to 'perigee.time.iso' (no time up to year 9999)")
            }
            let (seconds, rest) = milliseconds.quotientAndRemainder(dividingBy: 1_000)
            let date = Date(timeIntervalSince1970: Double(seconds))
            let text = date.formatted(Date.ISO8601FormatStyle())
            let digits = String(1_000 + rest).dropFirst()
            call.give("\(text.dropLast()).\(digits)Z")
        })

    private static let parse = HostFunction(
        "parse", summary: "Reads a time written as ISO 8601.",
        parameters: [
            HostParameter("text", .string, "`2026-11-21T02:25:56Z`, also with `.123` or an offset.")
        ],
        results: [
            HostResult(
                "milliseconds", .integer, "Since 1970; `nil` when the text is no time.", isOptional: true)
        ],
        example: """
            local milliseconds = perigee.time.parse("2026-11-21T02:25:56.123Z")
            """,
        body: .quick { call in
            let text = call.string(0)
            guard text.utf8.count <= 40 else { return call.give(nil) }
            let date =
                (try? Date.ISO8601FormatStyle().parse(text))
                ?? (try? Date.ISO8601FormatStyle(includingFractionalSeconds: true).parse(text))
            let milliseconds = date.map { ($0.timeIntervalSince1970 * 1_000).rounded() }
            guard let milliseconds, milliseconds <= Double(last) else { return call.give(nil) }
            call.give(Int64(milliseconds))
        })
}
