/// Which days of a month a field for days of the month selects.
struct DaysOfMonth: Sendable, Hashable {
    /// Whether the field begins with `*` or is `?`.
    var isOpen = false
    /// Bit 1 is the first day.
    var days: UInt64 = 0
    /// For `L` and `L-3`: how many days before the last.
    var beforeLast: [Int] = []
    /// For `15W`: the weekday nearest to that day, in the same month.
    var nearWeekday: [Int] = []
    /// For `LW` and `L-3W`: the weekday nearest to so many days before the last.
    var nearWeekdayBeforeLast: [Int] = []

    /// The days of one month, bit 1 for the first.
    func mask(year: Int, month: Int) -> UInt64 {
        let length = CivilTime.length(ofMonth: month, year: year)
        var mask = days & Self.mask(upTo: length)
        for offset in beforeLast where offset < length { mask |= 1 << UInt64(length - offset) }
        for day in nearWeekday where day <= length {
            mask |= 1 << UInt64(Self.weekday(nearest: day, year: year, month: month, length: length))
        }
        for offset in nearWeekdayBeforeLast where offset < length {
            mask |=
                1 << UInt64(Self.weekday(nearest: length - offset, year: year, month: month, length: length))
        }
        return mask
    }

    static func mask(upTo length: Int) -> UInt64 { ((1 << UInt64(length)) - 1) << 1 }

    /// Monday to Friday; never in another month.
    private static func weekday(nearest day: Int, year: Int, month: Int, length: Int) -> Int {
        switch CivilTime.Day(year: year, month: month, day: day).weekday {
        case 6: day == 1 ? 3 : day - 1
        case 0: day == length ? day - 2 : day + 1
        default: day
        }
    }
}

/// Which days of a month a field for days of the week selects. 0 is Sunday.
struct DaysOfWeek: Sendable, Hashable {
    /// Whether the field begins with `*` or is `?`.
    var isOpen = false
    /// Bit 0 is Sunday.
    var days: UInt64 = 0
    /// For `6L`: the last of these in the month.
    var last: [Int] = []
    /// For `6#3`: the third of these in the month.
    var numbered: [Numbered] = []

    struct Numbered: Sendable, Hashable {
        let weekday: Int
        /// 1 to 5.
        let number: Int
    }

    /// The days of one month, bit 1 for the first.
    func mask(year: Int, month: Int) -> UInt64 {
        let length = CivilTime.length(ofMonth: month, year: year)
        let first = CivilTime.Day(year: year, month: month, day: 1).weekday
        var mask: UInt64 = 0
        for day in 1...length where days & (1 << UInt64((first + day - 1) % 7)) != 0 {
            mask |= 1 << UInt64(day)
        }
        for weekday in last {
            let earliest = 1 + (weekday - first + 7) % 7
            mask |= 1 << UInt64(earliest + (length - earliest) / 7 * 7)
        }
        for entry in numbered {
            let day = 1 + (entry.weekday - first + 7) % 7 + (entry.number - 1) * 7
            if day <= length { mask |= 1 << UInt64(day) }
        }
        return mask
    }
}
