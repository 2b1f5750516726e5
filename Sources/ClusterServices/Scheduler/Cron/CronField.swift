/// One of the fields of a cron expression: what it is called and which numbers it takes.
enum CronField: Sendable, Hashable {
    case second
    case minute
    case hour
    case dayOfMonth
    case month
    /// Sunday is 0 and 7, as in crontab(5).
    case dayOfWeek
    /// Sunday is 1 and Saturday 7, as in Quartz.
    case dayOfWeekFromOne
    case year

    static let fiveFields: [CronField] = [.minute, .hour, .dayOfMonth, .month, .dayOfWeek]
    static let sixFields: [CronField] = [.second, .minute, .hour, .dayOfMonth, .month, .dayOfWeekFromOne]

    var name: String {
        switch self {
        case .second: "second"
        case .minute: "minute"
        case .hour: "hour"
        case .dayOfMonth: "day-of-month"
        case .month: "month"
        case .dayOfWeek, .dayOfWeekFromOne: "day-of-week"
        case .year: "year"
        }
    }

    /// What may be written.
    var range: ClosedRange<Int> {
        switch self {
        case .second, .minute: 0...59
        case .hour: 0...23
        case .dayOfMonth: 1...31
        case .month: 1...12
        case .dayOfWeek: 0...7
        case .dayOfWeekFromOne: 1...7
        case .year: CivilTime.years
        }
    }

    /// What `*` stands for: each value once.
    var all: ClosedRange<Int> { self == .dayOfWeek ? 0...6 : range }

    /// What `*` and ranges that wrap around count through.
    var period: Int { all.count }

    /// Names for values, counted from the lowest.
    var names: [String] {
        switch self {
        case .month: ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
        case .dayOfWeek, .dayOfWeekFromOne: ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
        default: []
        }
    }

    /// What is allowed, for errors.
    var allowed: String {
        let numbers = "\(range.lowerBound) to \(range.upperBound)"
        switch self {
        case .month: return "\(numbers) or JAN to DEC are allowed"
        case .dayOfWeek: return "\(numbers) (0 and 7 are Sunday) or SUN to SAT are allowed"
        case .dayOfWeekFromOne:
            return "\(numbers) (1 is Sunday, as seconds are given) or SUN to SAT are allowed"
        default: return "\(numbers) are allowed"
        }
    }

    /// The number that a text stands for, within the range.
    func value(_ text: Substring) -> Int? {
        if let index = names.firstIndex(of: text.uppercased()) { return index + range.lowerBound }
        guard !text.isEmpty, text.utf8.count <= 4, text.utf8.allSatisfy({ (48...57).contains($0) }),
            let number = Int(text), range.contains(number)
        else { return nil }
        return number
    }
}
