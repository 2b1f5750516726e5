extension JobSchedule: CustomStringConvertible {
    /// As it is stored, and compared with another: `every 900000`, `every 900000 after 0`,
    /// `every 900000 at 1795000000000`, `cron Europe/Berlin 30 2 * * *`, `once 1795000000000`.
    package var description: String {
        switch self {
        case .interval(let interval, .afterInterval): "every \(interval)"
        case .interval(let interval, .after(let delay)): "every \(interval) after \(delay)"
        case .interval(let interval, .at(let time)): "every \(interval) at \(time)"
        case .cron(let expression, let zone): "cron \(zone.name) \(expression)"
        case .once(let time): "once \(time)"
        }
    }

    /// Reads what ``description`` gave.
    /// - Returns: `nil` when this program, or this machine's time zone database, does not know it.
    init?(stored text: String) {
        let words = text.split(separator: " ")
        switch words.first {
        case "every":
            guard words.count == 2 || words.count == 4, let interval = Int64(words[1]) else { return nil }
            guard words.count == 4 else {
                self = .interval(interval)
                break
            }
            guard let number = Int64(words[3]) else { return nil }
            switch words[2] {
            case "after": self = .interval(interval, first: .after(number))
            case "at": self = .interval(interval, first: .at(number))
            default: return nil
            }
        case "cron":
            guard words.count > 2, let zone = ZoneRules.named(String(words[1])),
                let expression = try? CronExpression(words[2...].joined(separator: " "))
            else { return nil }
            self = .cron(expression, zone: zone)
        case "once":
            guard words.count == 2, let time = Int64(words[1]) else { return nil }
            self = .once(at: time)
        default: return nil
        }
        guard (try? check()) != nil else { return nil }
    }
}

extension JobSchedule {
    /// A cron expression on the clocks of a zone.
    /// - Throws: ``CronError``, ``JobError/unknownZone(_:)``.
    package static func cron(_ text: String, zone name: String = "UTC") throws -> JobSchedule {
        guard let zone = ZoneRules.named(name) else { throw JobError.unknownZone(name) }
        return .cron(try CronExpression(text), zone: zone)
    }
}
