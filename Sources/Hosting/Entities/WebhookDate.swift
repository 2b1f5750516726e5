/// Times as webhooks write them: `2026-11-21T02:25:56+0000`.
enum WebhookDate {
    /// The time in UTC.
    /// - Parameter milliseconds: Since 1970; clamped to the years 1970 to 9999.
    static func text(milliseconds: Int64) -> String {
        let seconds = min(max(milliseconds / 1000, 0), 253_402_300_799)
        let (days, second) = (seconds / 86_400, seconds % 86_400)
        let (year, month, day) = civil(days: days)
        let date = "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
        return
            "\(date)T\(padded(second / 3600, 2)):\(padded(second / 60 % 60, 2)):"
            + "\(padded(second % 60, 2))+0000"
    }

    /// The Gregorian date of a day counted from 1970-01-01, by shifting the year to begin in March, so that
    /// the leap
    /// day is its last.
    private static func civil(days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }
}
