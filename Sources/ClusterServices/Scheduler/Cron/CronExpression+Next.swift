extension CronExpression {
    /// The first time after another at which the expression says so.
    ///
    /// A time of day that clocks skip counts as the moment at which they go on; several skipped ones are one.
    /// One that clocks show twice counts the first time, unless the expression selects every hour: then it
    /// means lengths of time, and runs on through the repeated hour.
    /// - Parameter time: Milliseconds since 1970.
    /// - Returns: Milliseconds since 1970; `nil` when there is none up to the year 2299.
    package func next(after time: Int64, in zone: ZoneRules) -> Int64? {
        let now = CivilTime.floorDivide(time, 1_000)
        guard now < CivilTime.end else { return nil }
        var offset = zone.offset(at: now)
        var earliest = now + 1 + offset
        if !meansEveryHour { earliest = max(earliest, Self.endOfRepeat(before: now, in: zone)) }
        var searched = now
        var found = civilTime(from: earliest)
        while let civil = found {
            guard let change = zone.transition(after: searched) else { return (civil - offset) * 1_000 }
            if civil - offset < change.time { return (civil - offset) * 1_000 }
            // Between the two, no clock shows the time.
            if civil < change.time + change.offset { return change.time * 1_000 }
            earliest = change.time + change.offset
            // What was shown before the clocks went back is over.
            let isRepeat = change.offset < offset && meansEveryHour
            if change.offset < offset, !isRepeat { earliest = change.time + offset }
            offset = change.offset
            searched = change.time
            if civil < earliest || isRepeat { found = civilTime(from: earliest) }
        }
        return nil
    }

    /// Where clocks went back within the last day: the civil time up to which they show all a second time.
    private static func endOfRepeat(before now: Int64, in zone: ZoneRules) -> Int64 {
        guard let change = zone.transition(after: now - CivilTime.secondsPerDay), change.time <= now else {
            return .min
        }
        return change.time + zone.offset(at: change.time - 1)
    }
}
