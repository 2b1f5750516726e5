/// Reads a cron expression field by field.
struct CronParser {
    private let text: String
    private let fields: [Substring]
    private let kinds: [CronField]
    private let isFive: Bool

    private static let shorthands = [
        "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
        "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
    ]

    init(_ written: String) throws(CronError) {
        let words = written.split { $0 == " " || $0 == "\t" }
        text = words.joined(separator: " ")
        guard written.utf8.count <= CronExpression.bytesMax, !words.contains(where: { $0.contains("\0") })
        else {
            throw CronError(
                expression: written, field: nil, text: written,
                problem: "at most \(CronExpression.bytesMax) bytes without NUL are allowed")
        }
        if words.count == 1, words[0].hasPrefix("@") {
            guard let long = Self.shorthands[words[0].lowercased()] else {
                let known = Self.shorthands.keys.sorted().joined(separator: ", ")
                throw CronError(expression: text, field: nil, text: text, problem: "known words are \(known)")
            }
            fields = long.split(separator: " ")
        } else {
            fields = words
        }
        isFive = fields.count == 5
        switch fields.count {
        case 5: kinds = CronField.fiveFields
        case 6: kinds = CronField.sixFields
        case 7: kinds = CronField.sixFields + [.year]
        default:
            throw CronError(
                expression: text, field: nil, text: text,
                problem: """
                    5 fields are expected (minute, hour, day-of-month, month, day-of-week), 6 with the \
                    second before them, or 7 with the year after them, not \(fields.count)
                    """)
        }
    }

    func expression() throws(CronError) -> CronExpression {
        var masks: [CronField: UInt64] = [:]
        var (daysOfMonth, daysOfWeek) = (DaysOfMonth(), DaysOfWeek())
        var years: Set<Int>?
        for (kind, field) in zip(kinds, fields) {
            switch kind {
            case .dayOfMonth: daysOfMonth = try self.daysOfMonth(field)
            case .dayOfWeek, .dayOfWeekFromOne: daysOfWeek = try self.daysOfWeek(field, kind)
            case .year: years = field == "*" ? nil : Set(try values(field, kind))
            default: masks[kind] = Self.mask(try values(field, kind))
            }
        }
        try checkDays(daysOfMonth, daysOfWeek)
        let result = CronExpression(
            text: text, seconds: masks[.second] ?? 1, minutes: masks[.minute] ?? 0, hours: masks[.hour] ?? 0,
            daysOfMonth: daysOfMonth, months: masks[.month] ?? 0, daysOfWeek: daysOfWeek, years: years)
        guard result.civilTime(from: 0) != nil else {
            let index = isFive ? 2 : 3
            throw failure(fields[index], .dayOfMonth, "there is no such day in the months and years selected")
        }
        return result
    }

    /// Two restrictions at once have two readings, and Quartz has none; 5 fields have the one of crontab(5).
    private func checkDays(_ daysOfMonth: DaysOfMonth, _ daysOfWeek: DaysOfWeek) throws(CronError) {
        guard !isFive else { return }
        if fields[3] == "?", fields[5] == "?" {
            throw failure(fields[5], .dayOfWeek, "only one of day-of-month and day-of-week may be \"?\"")
        }
        if !daysOfMonth.isOpen, !daysOfWeek.isOpen {
            throw failure(
                fields[5], .dayOfWeek,
                "one of day-of-month (\"\(fields[3])\") and day-of-week must be \"?\" or \"*\"")
        }
    }

    private func daysOfMonth(_ field: Substring) throws(CronError) -> DaysOfMonth {
        var days = DaysOfMonth()
        days.isOpen = field.hasPrefix("*") || field == "?"
        if field == "?" {
            days.days = DaysOfMonth.mask(upTo: 31)
            return days
        }
        for item in try items(field, .dayOfMonth) {
            var word = item.uppercased()[...]
            guard word.hasPrefix("L") || word.hasSuffix("W") else {
                days.days |= Self.mask(try values(item: item, .dayOfMonth))
                continue
            }
            let isWeekday = word.hasSuffix("W")
            if isWeekday { word.removeLast() }
            if word.hasPrefix("L") {
                let offset = word == "L" ? 0 : Self.offset(word.dropFirst())
                guard let offset else {
                    throw failure(item, .dayOfMonth, "after L comes nothing, -1 to -30, or W")
                }
                if isWeekday {
                    days.nearWeekdayBeforeLast.append(offset)
                } else {
                    days.beforeLast.append(offset)
                }
            } else {
                guard let day = CronField.dayOfMonth.value(word) else {
                    throw failure(item, .dayOfMonth, "before W comes a day from 1 to 31, or L")
                }
                days.nearWeekday.append(day)
            }
        }
        return days
    }

    /// `-3` as 3.
    private static func offset(_ text: Substring) -> Int? {
        guard text.hasPrefix("-"), let day = CronField.dayOfMonth.value(text.dropFirst()), day <= 30 else {
            return nil
        }
        return day
    }

    private func daysOfWeek(_ field: Substring, _ kind: CronField) throws(CronError) -> DaysOfWeek {
        var days = DaysOfWeek()
        days.isOpen = field.hasPrefix("*") || field == "?"
        if field == "?" {
            days.days = 127
            return days
        }
        for item in try items(field, kind) {
            if let hash = item.firstIndex(of: "#") {
                guard let weekday = kind.value(item[..<hash]),
                    let number = Int(item[item.index(after: hash)...]),
                    (1...5).contains(number)
                else {
                    throw failure(item, kind, "a day, \"#\" and 1 to 5 are expected, such as FRI#3")
                }
                days.numbered.append(.init(weekday: Self.fromSunday(weekday, kind), number: number))
            } else if item.uppercased() == "L", kind == .dayOfWeekFromOne {
                days.days |= 1 << 6
            } else if item.uppercased().hasSuffix("L") {
                guard let weekday = kind.value(item.dropLast()) else {
                    throw failure(item, kind, "before L comes a day: \(kind.allowed)")
                }
                days.last.append(Self.fromSunday(weekday, kind))
            } else {
                days.days |= Self.mask(try values(item: item, kind).map { Self.fromSunday($0, kind) })
            }
        }
        return days
    }

    private static func fromSunday(_ value: Int, _ kind: CronField) -> Int {
        (value - kind.range.lowerBound) % 7
    }

    private func values(_ field: Substring, _ kind: CronField) throws(CronError) -> [Int] {
        var values: [Int] = []
        for item in try items(field, kind) { values += try self.values(item: item, kind) }
        return values
    }

    private func items(_ field: Substring, _ kind: CronField) throws(CronError) -> [Substring] {
        let items = field.split(separator: ",", omittingEmptySubsequences: false)
        guard !items.contains(where: \.isEmpty) else {
            throw failure(field, kind, "there is nothing on one side of a comma")
        }
        return items
    }

    /// The numbers of `*`, `a` or `a-b`, perhaps with a step.
    private func values(item: Substring, _ kind: CronField) throws(CronError) -> [Int] {
        let parts = item.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let (base, last) = (parts[0], kind.all.upperBound)
        var step = 1
        if parts.count == 2 {
            let most = kind.period - 1
            guard parts[1].utf8.allSatisfy({ (48...57).contains($0) }), let number = Int(parts[1]),
                (1...most).contains(number)
            else { throw failure(item, kind, "after \"/\" comes a step of 1 to \(most)") }
            step = number
        }
        if base == "*" { return Array(stride(from: kind.all.lowerBound, through: last, by: step)) }
        if base == "?" { throw failure(item, kind, "\"?\" stands alone, for day-of-month or day-of-week") }
        let ends = base.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard let from = kind.value(ends[0]) else { throw failure(item, kind, kind.allowed) }
        guard ends.count == 2 else {
            return parts.count == 1 ? [from] : Array(stride(from: from, through: max(from, last), by: step))
        }
        guard let to = kind.value(ends[1]) else { throw failure(item, kind, kind.allowed) }
        guard from <= to || kind != .year else {
            throw failure(item, kind, "a range of years begins with the earlier one")
        }
        let end = from <= to ? to : to + kind.period
        return stride(from: from, through: end, by: step).map {
            kind.range.lowerBound + ($0 - kind.range.lowerBound) % kind.period
        }
    }

    private static func mask(_ values: [Int]) -> UInt64 {
        values.reduce(0) { $0 | 1 << UInt64($1) }
    }

    private func failure(_ field: Substring, _ kind: CronField, _ problem: String) -> CronError {
        CronError(expression: text, field: kind.name, text: String(field), problem: problem)
    }
}
