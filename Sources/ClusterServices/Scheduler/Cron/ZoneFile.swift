/// A file of the time zone database.
struct ZoneFile {
    let bytes: [UInt8]

    /// How many of each there are in a block of the file.
    private struct Counts {
        let utcMarks: Int
        let standardMarks: Int
        let leaps: Int
        let times: Int
        let types: Int
        let characters: Int

        /// The block's length after its header.
        func length(timeBytes: Int) -> Int {
            times * (timeBytes + 1) + types * 6 + characters + leaps * (timeBytes + 4) + standardMarks
                + utcMarks
        }
    }

    /// - Returns: `nil` when the file is none of these.
    func rules(name: String) -> ZoneRules? {
        guard let first = counts(at: 0), bytes[4] >= UInt8(ascii: "2") else { return nil }
        let header = 44 + first.length(timeBytes: 4)
        guard let counts = counts(at: header), counts.types > 0 else { return nil }
        let times = header + 44
        let indices = times + counts.times * 8
        let types = indices + counts.times
        let end = header + 44 + counts.length(timeBytes: 8)
        guard end <= bytes.count else { return nil }
        var transitions: [ZoneRules.Transition] = []
        for index in 0..<counts.times {
            let type = Int(bytes[indices + index])
            guard type < counts.types else { return nil }
            let time = Int64(bitPattern: number(at: times + index * 8, bytes: 8))
            guard time > transitions.last?.time ?? .min else { return nil }
            transitions.append(.init(time: time, offset: offset(ofType: type, at: types)))
        }
        let line = bytes[end...].dropFirst().prefix { $0 != UInt8(ascii: "\n") }
        let footer = ZoneFooter(String(decoding: line, as: UTF8.self))
        guard footer != nil || line.isEmpty else { return nil }
        return ZoneRules(
            name: name, transitions: transitions, firstOffset: offset(ofType: 0, at: types), footer: footer)
    }

    private func counts(at start: Int) -> Counts? {
        guard start + 44 <= bytes.count, bytes[start..<start + 4].elementsEqual("TZif".utf8) else {
            return nil
        }
        let values = (0..<6).map { Int(number(at: start + 20 + $0 * 4, bytes: 4)) }
        // No zone has more; sums of these cannot overflow.
        guard values.allSatisfy({ $0 <= 100_000 }) else { return nil }
        return Counts(
            utcMarks: values[0], standardMarks: values[1], leaps: values[2], times: values[3],
            types: values[4],
            characters: values[5])
    }

    private func offset(ofType type: Int, at types: Int) -> Int64 {
        Int64(Int32(truncatingIfNeeded: number(at: types + type * 6, bytes: 4)))
    }

    /// Big-endian.
    private func number(at start: Int, bytes count: Int) -> UInt64 {
        bytes[start..<start + count].reduce(0) { $0 << 8 | UInt64($1) }
    }
}
