/// A cron expression: the usual 5 fields, or 6 or 7 as in Quartz.
///
/// 5 fields are minute, hour, day of the month, month, day of the week (0 to 7, Sunday is 0 and 7); 6 have
/// the second before them and 7 the year after them (day of the week then is 1 to 7, Sunday is 1).
/// Everywhere: `*`, lists `a,b`, ranges `a-b` (which may wrap around), steps `*/n`, `a/n`, `a-b/n`, and names
/// of months and days. Days of the month: `?`, `L` (last), `L-3`, `15W` (nearest weekday), `LW`. Days of the
/// week: `?`, `6L` (the last), `6#3` (the third). `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly` stand
/// for what they say.
///
/// With 5 fields a day is meant when either field for days selects it, if neither begins with `*`; with 6 or
/// 7 one of these two must be `?` or begin with `*`.
package struct CronExpression: Sendable, Hashable, CustomStringConvertible {
    /// The expression as it was written, one space between fields.
    package let text: String

    let seconds: UInt64
    let minutes: UInt64
    let hours: UInt64
    /// Bit 1 is January.
    let months: UInt64
    let daysOfMonth: DaysOfMonth
    let daysOfWeek: DaysOfWeek
    /// `nil` for every year.
    let years: Set<Int>?

    /// The most bytes of a text.
    package static let bytesMax = 250

    /// Reads an expression.
    /// - Throws: ``CronError`` that names the field, what it holds and what is allowed; also for an
    ///   expression that names no date at all, such as 30 February.
    package init(_ text: String) throws(CronError) {
        self = try CronParser(text).expression()
    }

    init(
        text: String, seconds: UInt64, minutes: UInt64, hours: UInt64, daysOfMonth: DaysOfMonth,
        months: UInt64,
        daysOfWeek: DaysOfWeek, years: Set<Int>?
    ) {
        self.text = text
        self.seconds = seconds
        self.minutes = minutes
        self.hours = hours
        self.daysOfMonth = daysOfMonth
        self.months = months
        self.daysOfWeek = daysOfWeek
        self.years = years
    }

    /// The expression as it was written.
    package var description: String { text }

    /// Whether it runs in every hour of a day, and so means lengths of time rather than times of day.
    var meansEveryHour: Bool { hours == (1 << 24) - 1 }

    /// The first civil time of the expression that is not before another.
    /// - Returns: `nil` when there is none up to the last year.
    func civilTime(from earliest: Int64) -> Int64? {
        let earliest = max(earliest, 0)
        let firstDay = CivilTime.floorDivide(earliest, CivilTime.secondsPerDay)
        let start = CivilTime.day(number: firstDay)
        guard start.year <= CivilTime.years.upperBound else { return nil }
        for year in start.year...CivilTime.years.upperBound where years?.contains(year) ?? true {
            for month in (year == start.year ? start.month : 1)...12 where months & (1 << UInt64(month)) != 0
            {
                var days = dayMask(year: year, month: month)
                let isFirst = year == start.year && month == start.month
                if isFirst { days &= ~DaysOfMonth.mask(upTo: start.day - 1) }
                while days != 0 {
                    let day = days.trailingZeroBitCount
                    days &= days - 1
                    let number = CivilTime.dayNumber(.init(year: year, month: month, day: day))
                    let begin = number * CivilTime.secondsPerDay
                    if let time = timeOfDay(from: max(0, earliest - begin)) { return begin + time }
                }
            }
        }
        return nil
    }

    /// Bit 1 is the first.
    private func dayMask(year: Int, month: Int) -> UInt64 {
        let ofMonth = daysOfMonth.mask(year: year, month: month)
        let ofWeek = daysOfWeek.mask(year: year, month: month)
        return daysOfMonth.isOpen || daysOfWeek.isOpen ? ofMonth & ofWeek : ofMonth | ofWeek
    }

    /// Seconds since midnight.
    private func timeOfDay(from earliest: Int64) -> Int64? {
        guard earliest < CivilTime.secondsPerDay else { return nil }
        let (hour, minute, second) = (earliest / 3_600, earliest / 60 % 60, earliest % 60)
        if hours & (1 << UInt64(hour)) != 0 {
            if minutes & (1 << UInt64(minute)) != 0, let second = Self.first(in: seconds, from: second) {
                return hour * 3_600 + minute * 60 + second
            }
            if let minute = Self.first(in: minutes, from: minute + 1) {
                return hour * 3_600 + minute * 60 + Int64(seconds.trailingZeroBitCount)
            }
        }
        return Self.first(in: hours, from: hour + 1).map {
            $0 * 3_600 + Int64(minutes.trailingZeroBitCount) * 60 + Int64(seconds.trailingZeroBitCount)
        }
    }

    private static func first(in mask: UInt64, from: Int64) -> Int64? {
        let rest = (mask >> UInt64(from)) << UInt64(from)
        return rest == 0 ? nil : Int64(rest.trailingZeroBitCount)
    }
}
