/// The rule for the years after a zone file's last change: `CET-1CEST,M3.5.0,M10.5.0/3`.
///
/// - Source: POSIX, "Environment Variables", TZ, with the hours of -167 to 167 that RFC 9636 adds.
struct ZoneFooter: Sendable, Hashable {
    private let standardOffset: Int64
    private let summer: Summer?

    private struct Summer: Sendable, Hashable {
        let offset: Int64
        let begin: YearlyDay
        let end: YearlyDay
    }

    /// A day of each year, with a time on the clocks before the change.
    private struct YearlyDay: Sendable, Hashable {
        enum Kind: Sendable, Hashable {
            /// 1 to 365; 29 February is never counted.
            case withoutLeapDay(Int)
            /// 0 to 365.
            case withLeapDay(Int)
            /// A day of the week: the first, ..., the last (5) of a month.
            case weekday(month: Int, week: Int, weekday: Int)
        }
        let kind: Kind
        let time: Int64

        func civilTime(year: Int) -> Int64 {
            let january = CivilTime.dayNumber(.init(year: year, month: 1, day: 1))
            let day: Int64
            switch kind {
            case .withoutLeapDay(let number):
                day = january + Int64(number) - 1 + (CivilTime.isLeap(year) && number >= 60 ? 1 : 0)
            case .withLeapDay(let number): day = january + Int64(number)
            case .weekday(let month, let week, let weekday):
                let first = CivilTime.dayNumber(.init(year: year, month: month, day: 1))
                let earliest = 1 + (weekday - CivilTime.weekday(ofDay: first) + 7) % 7
                let length = CivilTime.length(ofMonth: month, year: year)
                let inMonth = min(earliest + (week - 1) * 7, earliest + (length - earliest) / 7 * 7)
                day = first + Int64(inMonth - 1)
            }
            return day * CivilTime.secondsPerDay + time
        }
    }

    /// - Returns: `nil` when the text is no such rule.
    init?(_ text: String) {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        var names = parts.first ?? ""
        guard Self.dropName(&names), let west = Self.takeTime(&names) else { return nil }
        standardOffset = -west
        guard !names.isEmpty else {
            guard parts.count == 1 else { return nil }
            summer = nil
            return
        }
        guard Self.dropName(&names), parts.count == 3, let begin = Self.day(parts[1]),
            let end = Self.day(parts[2])
        else { return nil }
        let summerWest = names.isEmpty ? west - 3_600 : Self.takeTime(&names)
        guard let summerWest, names.isEmpty else { return nil }
        summer = Summer(offset: -summerWest, begin: begin, end: end)
    }

    func offset(at time: Int64) -> Int64 {
        guard summer != nil else { return standardOffset }
        let past = transitions(around: time).last { $0.time <= time }
        return past?.offset ?? standardOffset
    }

    func transition(after time: Int64) -> ZoneRules.Transition? {
        transitions(around: time).first { $0.time > time }
    }

    /// Those of three years, in order, without changes to what is so already.
    private func transitions(around time: Int64) -> [ZoneRules.Transition] {
        guard let summer else { return [] }
        let limit: Int64 = 1 << 40
        let day = CivilTime.floorDivide(min(max(time, -limit), limit), CivilTime.secondsPerDay)
        let year = CivilTime.day(number: day).year
        return (year - 1...year + 1).flatMap { year in
            [
                ZoneRules.Transition(
                    time: summer.begin.civilTime(year: year) - standardOffset, offset: summer.offset),
                ZoneRules.Transition(
                    time: summer.end.civilTime(year: year) - summer.offset, offset: standardOffset),
            ]
        }.sorted { $0.time < $1.time }
    }

    /// A name of letters, or of anything between `<` and `>`.
    private static func dropName(_ text: inout Substring) -> Bool {
        if text.first == "<" {
            guard let end = text.firstIndex(of: ">") else { return false }
            text = text[text.index(after: end)...]
            return true
        }
        let letters = text.prefix { $0.isLetter }
        text = text.dropFirst(letters.count)
        return letters.count >= 3
    }

    /// `[+-]h[h[h]][:mm[:ss]]` as seconds.
    private static func takeTime(_ text: inout Substring) -> Int64? {
        let isNegative = text.first == "-"
        if isNegative || text.first == "+" { text.removeFirst() }
        let word = text.prefix { $0.isNumber || $0 == ":" }
        text = text.dropFirst(word.count)
        let parts = word.split(separator: ":", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { $0.utf8.count <= 3 ? Int64($0) : nil }
        guard numbers.count == parts.count, (1...3).contains(numbers.count) else { return nil }
        let seconds = zip(numbers, [3_600, 60, 1]).reduce(0) { $0 + $1.0 * $1.1 }
        return isNegative ? -seconds : seconds
    }

    private static func day(_ text: Substring) -> YearlyDay? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        var time: Int64 = 7_200
        if parts.count == 2 {
            var rest = parts[1]
            guard let given = takeTime(&rest), rest.isEmpty else { return nil }
            time = given
        }
        guard (1...2).contains(parts.count), let word = parts.first else { return nil }
        if word.first == "M" {
            let numbers = word.dropFirst().split(separator: ".").compactMap { Int($0) }
            guard numbers.count == 3, (1...12).contains(numbers[0]), (1...5).contains(numbers[1]),
                (0...6).contains(numbers[2])
            else { return nil }
            return YearlyDay(
                kind: .weekday(month: numbers[0], week: numbers[1], weekday: numbers[2]), time: time)
        }
        if word.first == "J" {
            guard let number = Int(word.dropFirst()), (1...365).contains(number) else { return nil }
            return YearlyDay(kind: .withoutLeapDay(number), time: time)
        }
        guard let number = Int(word), (0...365).contains(number) else { return nil }
        return YearlyDay(kind: .withLeapDay(number), time: time)
    }
}
