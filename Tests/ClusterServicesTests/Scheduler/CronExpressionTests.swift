import ClusterServices
import FoundationEssentials
import Testing

@Suite struct CronExpressionTests {
    /// Each line: expression | zone | after | the next times, as clocks in UTC show them.
    private static let table = """
        * * * * * | UTC | 2026-01-01T00:00:00Z | 2026-01-01T00:01:00Z 2026-01-01T00:02:00Z
        */15 * * * * | UTC | 2026-01-01T00:14:59Z | 2026-01-01T00:15:00Z 2026-01-01T00:30:00Z
        5/20 * * * * | UTC | 2026-01-01T00:05:00Z | 2026-01-01T00:25:00Z 2026-01-01T00:45:00Z \
            2026-01-01T01:05:00Z
        10-30/10 8 * * * | UTC | 2026-01-01T00:00:00Z | 2026-01-01T08:10:00Z 2026-01-01T08:20:00Z \
            2026-01-01T08:30:00Z
        0 9-17/4 * * 1-5 | UTC | 2026-01-02T17:00:00Z | 2026-01-05T09:00:00Z 2026-01-05T13:00:00Z
        30 4 1,15 * 5 | UTC | 2026-01-01T05:00:00Z | 2026-01-02T04:30:00Z 2026-01-09T04:30:00Z \
            2026-01-15T04:30:00Z
        0 0 */2 * 1 | UTC | 2026-01-01T00:00:00Z | 2026-01-05T00:00:00Z 2026-01-19T00:00:00Z
        0 0 * * 0 | UTC | 2026-01-01T00:00:00Z | 2026-01-04T00:00:00Z 2026-01-11T00:00:00Z
        0 0 * * 7 | UTC | 2026-01-01T00:00:00Z | 2026-01-04T00:00:00Z
        0 0 * * fri-mon | UTC | 2026-01-01T00:00:00Z | 2026-01-02T00:00:00Z 2026-01-03T00:00:00Z \
            2026-01-04T00:00:00Z
        0 0 * * 5-7 | UTC | 2026-01-05T00:00:00Z | 2026-01-09T00:00:00Z 2026-01-10T00:00:00Z \
            2026-01-11T00:00:00Z
        0 22-2 * * * | UTC | 2026-01-01T21:00:00Z | 2026-01-01T22:00:00Z 2026-01-01T23:00:00Z \
            2026-01-02T00:00:00Z 2026-01-02T01:00:00Z 2026-01-02T02:00:00Z 2026-01-02T22:00:00Z
        0 0 1 nov-feb * | UTC | 2026-01-15T00:00:00Z | 2026-02-01T00:00:00Z 2026-11-01T00:00:00Z \
            2026-12-01T00:00:00Z 2027-01-01T00:00:00Z
        0 0 29 2 * | UTC | 2026-01-01T00:00:00Z | 2028-02-29T00:00:00Z 2032-02-29T00:00:00Z
        0 0 29 2 * | UTC | 2096-02-29T00:00:00Z | 2104-02-29T00:00:00Z
        0 0 31 * * | UTC | 2026-01-31T00:00:00Z | 2026-03-31T00:00:00Z 2026-05-31T00:00:00Z
        0 0 30 2 MON | UTC | 2026-01-01T00:00:00Z | 2026-02-02T00:00:00Z 2026-02-09T00:00:00Z
        @hourly | UTC | 2026-01-01T00:00:00Z | 2026-01-01T01:00:00Z
        @daily | UTC | 2026-01-01T00:00:00Z | 2026-01-02T00:00:00Z
        @midnight | UTC | 2026-01-01T00:00:00Z | 2026-01-02T00:00:00Z
        @weekly | UTC | 2026-01-01T00:00:00Z | 2026-01-04T00:00:00Z
        @monthly | UTC | 2026-01-01T00:00:00Z | 2026-02-01T00:00:00Z
        @yearly | UTC | 2026-01-01T00:00:00Z | 2027-01-01T00:00:00Z
        0 0 12 * * ? | UTC | 2026-01-01T00:00:00Z | 2026-01-01T12:00:00Z 2026-01-02T12:00:00Z
        0 0 12 * * * | UTC | 2026-01-01T00:00:00Z | 2026-01-01T12:00:00Z
        0 15 10 ? * MON-FRI | UTC | 2026-01-02T12:00:00Z | 2026-01-05T10:15:00Z
        0 15 10 ? * 2-6 | UTC | 2026-01-02T12:00:00Z | 2026-01-05T10:15:00Z
        0 0 0 ? * 1 | UTC | 2026-01-01T00:00:00Z | 2026-01-04T00:00:00Z
        0 0 0 ? * L | UTC | 2026-01-01T00:00:00Z | 2026-01-03T00:00:00Z 2026-01-10T00:00:00Z
        */20 * * * * ? | UTC | 2026-01-01T00:00:00Z | 2026-01-01T00:00:20Z 2026-01-01T00:00:40Z \
            2026-01-01T00:01:00Z
        0 15 10 * * ? 2027 | UTC | 2026-01-01T00:00:00Z | 2027-01-01T10:15:00Z
        0 0 0 1 1 ? 2027-2031/2 | UTC | 2027-01-01T00:00:00Z | 2029-01-01T00:00:00Z 2031-01-01T00:00:00Z never
        0 0 0 1 1 ? 2020 | UTC | 2026-01-01T00:00:00Z | never
        0 15 10 L * ? | UTC | 2026-01-01T00:00:00Z | 2026-01-31T10:15:00Z 2026-02-28T10:15:00Z \
            2026-03-31T10:15:00Z
        0 15 10 L-2 * ? | UTC | 2026-01-30T00:00:00Z | 2026-02-26T10:15:00Z
        0 0 0 L-29 * ? | UTC | 2026-01-03T00:00:00Z | 2026-03-02T00:00:00Z 2026-04-01T00:00:00Z
        0 0 0 15W * ? | UTC | 2026-02-01T00:00:00Z | 2026-02-16T00:00:00Z 2026-03-16T00:00:00Z \
            2026-04-15T00:00:00Z
        0 0 0 1W * ? | UTC | 2026-01-05T00:00:00Z | 2026-02-02T00:00:00Z 2026-03-02T00:00:00Z
        0 0 0 1W * ? | UTC | 2026-07-15T00:00:00Z | 2026-08-03T00:00:00Z
        0 0 0 31W * ? | UTC | 2026-01-05T00:00:00Z | 2026-01-30T00:00:00Z 2026-03-31T00:00:00Z
        0 0 0 LW * ? | UTC | 2026-01-05T00:00:00Z | 2026-01-30T00:00:00Z 2026-02-27T00:00:00Z
        0 0 0 L-3W * ? | UTC | 2026-02-01T00:00:00Z | 2026-02-25T00:00:00Z
        0 0 0 1,15W,L * ? | UTC | 2026-02-02T00:00:00Z | 2026-02-16T00:00:00Z 2026-02-28T00:00:00Z \
            2026-03-01T00:00:00Z
        0 15 10 ? * 6L | UTC | 2026-01-01T00:00:00Z | 2026-01-30T10:15:00Z 2026-02-27T10:15:00Z
        0 15 10 ? * friL | UTC | 2026-01-01T00:00:00Z | 2026-01-30T10:15:00Z
        15 10 * * 5L | UTC | 2026-01-01T00:00:00Z | 2026-01-30T10:15:00Z
        0 15 10 ? * 6#3 | UTC | 2026-01-01T00:00:00Z | 2026-01-16T10:15:00Z 2026-02-20T10:15:00Z
        15 10 * * 5#3 | UTC | 2026-01-01T00:00:00Z | 2026-01-16T10:15:00Z
        0 0 0 ? * MON#5 | UTC | 2026-01-01T00:00:00Z | 2026-03-30T00:00:00Z 2026-06-29T00:00:00Z
        0 0 0 ? 2 MON#5 | UTC | 2026-01-01T00:00:00Z | 2044-02-29T00:00:00Z
        0 0 0 ? * TUE#1,FRIL | UTC | 2026-01-01T00:00:00Z | 2026-01-06T00:00:00Z 2026-01-30T00:00:00Z
        0 9 * * * | Asia/Kolkata | 2026-01-01T00:00:00Z | 2026-01-01T03:30:00Z
        0 9 * * * | America/New_York | 2026-01-01T00:00:00Z | 2026-01-01T14:00:00Z
        30 2 * * * | Europe/Berlin | 2026-03-27T12:00:00Z | 2026-03-28T01:30:00Z 2026-03-29T01:00:00Z \
            2026-03-30T00:30:00Z
        0 0/20 2 * * ? | Europe/Berlin | 2026-03-28T12:00:00Z | 2026-03-29T01:00:00Z 2026-03-30T00:00:00Z
        0 3 * * * | Europe/Berlin | 2026-03-28T12:00:00Z | 2026-03-29T01:00:00Z 2026-03-30T01:00:00Z
        30 2,3 * * * | Europe/Berlin | 2026-03-28T12:00:00Z | 2026-03-29T01:00:00Z 2026-03-29T01:30:00Z
        30 2 * * * | Europe/Berlin | 2026-10-24T12:00:00Z | 2026-10-25T00:30:00Z 2026-10-26T01:30:00Z
        0 1-3 * * * | Europe/Berlin | 2026-10-24T22:00:00Z | 2026-10-24T23:00:00Z 2026-10-25T00:00:00Z \
            2026-10-25T02:00:00Z
        */30 * * * * | Europe/Berlin | 2026-10-25T00:00:00Z | 2026-10-25T00:30:00Z 2026-10-25T01:00:00Z \
            2026-10-25T01:30:00Z 2026-10-25T02:00:00Z
        0 * * * * | Europe/Berlin | 2026-03-29T00:00:00Z | 2026-03-29T01:00:00Z 2026-03-29T02:00:00Z
        30 2 * * * | Europe/Berlin | 2026-10-25T01:15:00Z | 2026-10-26T01:30:00Z
        30 2 * * * | America/New_York | 2026-03-08T00:00:00Z | 2026-03-08T07:00:00Z 2026-03-09T06:30:00Z
        30 1 * * * | America/New_York | 2026-11-01T00:00:00Z | 2026-11-01T05:30:00Z 2026-11-02T06:30:00Z
        30 2 * * * | Australia/Sydney | 2026-10-03T12:00:00Z | 2026-10-03T16:00:00Z 2026-10-04T15:30:00Z
        30 2 * * * | Australia/Sydney | 2026-04-04T12:00:00Z | 2026-04-04T15:30:00Z 2026-04-05T16:30:00Z
        15 2 * * * | Australia/Lord_Howe | 2026-10-03T12:00:00Z | 2026-10-03T15:30:00Z 2026-10-04T15:15:00Z
        45 1 * * * | Australia/Lord_Howe | 2026-04-04T12:00:00Z | 2026-04-04T14:45:00Z 2026-04-05T15:15:00Z
        30 0 * * * | America/Santiago | 2026-09-05T12:00:00Z | 2026-09-06T04:00:00Z 2026-09-07T03:30:00Z
        30 2 * * * | Europe/Berlin | 2050-03-26T12:00:00Z | 2050-03-27T01:00:00Z 2050-03-28T00:30:00Z
        30 1 * * * | Europe/Dublin | 2060-03-27T12:00:00Z | 2060-03-28T01:00:00Z
        0 12 30 12 * | Pacific/Apia | 2011-12-01T00:00:00Z | 2011-12-30T10:00:00Z 2012-12-29T22:00:00Z
        """.split(separator: "\n").map(String.init)

    @Test(arguments: table) func `an expression gives the times that it says`(line: String) throws {
        let parts = line.split(separator: "|").map { $0.drop { $0 == " " }.trimmed }
        let expression = try CronExpression(parts[0])
        let zone = try #require(ZoneRules.named(parts[1]))
        var time = try Self.milliseconds(parts[2])
        for word in parts[3].split(separator: " ") {
            guard word != "never" else {
                #expect(expression.next(after: time, in: zone) == nil)
                continue
            }
            let next = try #require(expression.next(after: time, in: zone))
            #expect(next == (try Self.milliseconds(String(word))), "\(word), got \(Self.text(next))")
            time = next
        }
    }

    /// Each line: expression | what the error says of it.
    private static let refused = """
        | 5 fields are expected
        * * * * | 5 fields are expected
        * * * * * * * * | not 8
        @often | known words are @annually, @daily
        60 * * * * | minute "60": 0 to 59 are allowed
        * 24 * * * | hour "24": 0 to 23 are allowed
        0 0 0 * * | day-of-month "0": 1 to 31 are allowed
        0 0 32 * * | day-of-month "32": 1 to 31 are allowed
        0 0 * 13 * | month "13": 1 to 12 or JAN to DEC are allowed
        0 0 * MAYBE * | month "MAYBE": 1 to 12 or JAN to DEC are allowed
        0 0 * * 8 | day-of-week "8": 0 to 7 (0 and 7 are Sunday) or SUN to SAT are allowed
        0 0 0 ? * 0 | day-of-week "0": 1 to 7 (1 is Sunday
        0 0 0 ? * 8 | day-of-week "8": 1 to 7
        60 0 0 * * ? | second "60": 0 to 59 are allowed
        0 0 0 1 1 ? 1969 | year "1969": 1970 to 2299 are allowed
        0 0 0 1 1 ? 2030-2020 | year "2030-2020": a range of years begins with the earlier one
        */0 * * * * | minute "*/0": after "/" comes a step of 1 to 59
        */60 * * * * | minute "*/60": after "/" comes a step of 1 to 59
        1/x * * * * | minute "1/x": after "/" comes a step of 1 to 59
        1,,2 * * * * | minute "1,,2": there is nothing on one side of a comma
        1- * * * * | minute "1-": 0 to 59 are allowed
        -1 * * * * | minute "-1": 0 to 59 are allowed
        +5 * * * * | minute "+5": 0 to 59 are allowed
        ? * * * * | minute "?": "?" stands alone
        0 0 L- * * | day-of-month "L-": after L comes nothing, -1 to -30, or W
        0 0 L-31 * * | day-of-month "L-31": after L comes nothing, -1 to -30, or W
        0 0 32W * * | day-of-month "32W": before W comes a day from 1 to 31, or L
        0 0 * * L | day-of-week "L": before L comes a day: 0 to 7
        0 0 * * 1#6 | day-of-week "1#6": a day, "#" and 1 to 5 are expected
        0 0 * * XYZ#1 | day-of-week "XYZ#1": a day, "#" and 1 to 5 are expected
        0 0 0 ? * ? | day-of-week "?": only one of day-of-month and day-of-week may be "?"
        0 0 0 1 * MON | day-of-week "MON": one of day-of-month ("1") and day-of-week must be "?" or "*"
        0 0 30 2 * | day-of-month "30": there is no such day in the months and years selected
        0 0 31 4,6,9,11 * | day-of-month "31": there is no such day
        0 0 0 29 2 ? 2025-2027 | day-of-month "29": there is no such day
        0 0 0 L-30 2 ? | day-of-month "L-30": there is no such day
        """.split(separator: "\n").map(String.init)

    @Test(arguments: refused) func `what is no expression is refused with the field and what is allowed`(
        line: String
    ) throws {
        let bar = try #require(line.firstIndex(of: "|"))
        let text = String(line[..<bar]).trimmed
        let expected = String(line[line.index(after: bar)...]).trimmed
        do {
            _ = try CronExpression(text)
            Issue.record("\(text) was accepted")
        } catch {
            #expect("\(error)".contains(expected), "\(error)")
        }
    }

    @Test func `a text without end is refused before it is read`() {
        #expect(throws: CronError.self) {
            try CronExpression(String(repeating: "*/5,", count: 10_000) + "1 * * * *")
        }
    }

    @Test func `names of zones do not lead out of the database`() {
        for name in ["../../etc/passwd", "/etc/passwd", "Europe/../../x", "", "zone.tab", "Mars/Olympus"] {
            #expect(ZoneRules.named(name) == nil)
        }
    }

    static func milliseconds(_ text: String) throws -> Int64 {
        Int64(try Date.ISO8601FormatStyle().parse(text).timeIntervalSince1970) * 1_000
    }

    static func text(_ milliseconds: Int64) -> String {
        Date(timeIntervalSince1970: Double(milliseconds / 1_000)).formatted(Date.ISO8601FormatStyle())
    }
}

extension StringProtocol {
    var trimmed: String { String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()) }
}
