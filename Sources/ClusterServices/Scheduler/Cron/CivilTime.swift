/// Dates and times of day in the Gregorian calendar, without a zone.
///
/// A civil time is the number of seconds since 1970 that a clock in UTC would have when it shows that date
/// and time.
enum CivilTime {
    /// The years that cron expressions can name.
    static let years = 1970...2299

    /// A date.
    struct Day: Hashable {
        var year: Int
        /// 1 to 12.
        var month: Int
        /// 1 to 31.
        var day: Int

        /// 0 is Sunday.
        var weekday: Int { CivilTime.weekday(ofDay: CivilTime.dayNumber(self)) }
    }

    /// The civil time at which the last of ``years`` is over.
    static let end = dayNumber(Day(year: years.upperBound + 1, month: 1, day: 1)) * secondsPerDay

    static let secondsPerDay: Int64 = 86_400

    /// Days since 1970-01-01. Counted in years that begin in March, so that the leap day is the last.
    static func dayNumber(_ date: Day) -> Int64 {
        let year = date.month <= 2 ? date.year - 1 : date.year
        let era = floorDivide(Int64(year), 400)
        let yearOfEra = Int64(year) - era * 400
        let monthFromMarch = Int64(date.month + (date.month > 2 ? -3 : 9))
        let dayOfYear = (153 * monthFromMarch + 2) / 5 + Int64(date.day) - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    /// The date of a number of days since 1970-01-01.
    static func day(number: Int64) -> Day {
        let shifted = number + 719_468
        let era = floorDivide(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return Day(
            year: Int(yearOfEra + era * 400 + (month <= 2 ? 1 : 0)), month: Int(month),
            day: Int(dayOfYear - (153 * monthFromMarch + 2) / 5 + 1))
    }

    /// 0 is Sunday; 1970-01-01 was a Thursday.
    static func weekday(ofDay number: Int64) -> Int {
        let rest = (number + 4) % 7
        return Int(rest < 0 ? rest + 7 : rest)
    }

    static func length(ofMonth month: Int, year: Int) -> Int {
        switch month {
        case 2: isLeap(year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    static func isLeap(_ year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

    static func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
        let (quotient, rest) = value.quotientAndRemainder(dividingBy: divisor)
        return rest < 0 ? quotient - 1 : quotient
    }
}
