import FoundationEssentials
import Synchronization

/// When the clocks of a place differ from UTC, and by how much: one zone of the system's time zone database.
///
/// - Source: RFC 9636, "The Time Zone Information Format (TZif)". FoundationEssentials knows no zones but
///   fixed offsets, and all of Foundation would bring its library of calendars with it.
package final class ZoneRules: Sendable {
    /// The zone's name, such as `Europe/Berlin`.
    package let name: String

    private let transitions: [Transition]
    private let firstOffset: Int64
    private let footer: ZoneFooter?

    struct Transition: Hashable {
        /// Seconds since 1970, in UTC.
        let time: Int64
        /// From then on, in seconds; positive is east of Greenwich.
        let offset: Int64
    }

    init(name: String, transitions: [Transition], firstOffset: Int64, footer: ZoneFooter?) {
        self.name = name
        self.transitions = transitions
        self.firstOffset = firstOffset
        self.footer = footer
    }

    /// Coordinated universal time, which needs no file.
    package static let utc = ZoneRules(name: "UTC", transitions: [], firstOffset: 0, footer: nil)

    private static let known = Mutex<[String: ZoneRules]>([:])

    /// The zone of a name; zones that were read are kept.
    /// - Parameter name: As in the time zone database: `Europe/Berlin`, `UTC`.
    /// - Returns: `nil` when the system has no such zone.
    package static func named(_ name: String) -> ZoneRules? {
        if name == "UTC" { return utc }
        if let zone = known.withLock({ $0[name] }) { return zone }
        guard isName(name), let zone = read(name) else { return nil }
        known.withLock { $0[name] = zone }
        return zone
    }

    private static func isName(_ name: String) -> Bool {
        let words = name.split(separator: "/", omittingEmptySubsequences: false)
        return name.utf8.count <= 64 && words.count <= 4
            && words.allSatisfy { word in
                !word.isEmpty
                    && word.utf8.allSatisfy {
                        (65...90).contains($0) || (97...122).contains($0) || (48...57).contains($0)
                            || [0x2b, 0x2d, 0x5f].contains($0)
                    }
            }
    }

    private static func read(_ name: String) -> ZoneRules? {
        guard let data = FileManager.default.contents(atPath: "/usr/share/zoneinfo/" + name),
            data.count <= 1 << 20
        else { return nil }
        return ZoneFile(bytes: Array(data)).rules(name: name)
    }

    /// What is added to UTC at a time.
    func offset(at time: Int64) -> Int64 {
        if let footer, time >= transitions.last?.time ?? .min { return footer.offset(at: time) }
        let index = firstIndex(after: time)
        return index == 0 ? firstOffset : transitions[index - 1].offset
    }

    /// The next change of the offset.
    /// - Returns: `nil` when there is none any more.
    func transition(after time: Int64) -> Transition? {
        let index = firstIndex(after: time)
        if index < transitions.count { return transitions[index] }
        return footer?.transition(after: time)
    }

    private func firstIndex(after time: Int64) -> Int {
        var (low, high) = (0, transitions.count)
        while low < high {
            let middle = (low + high) / 2
            if transitions[middle].time <= time { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension ZoneRules: Hashable {
    /// Zones are the same by their names.
    package static func == (left: ZoneRules, right: ZoneRules) -> Bool { left.name == right.name }

    /// Hashes the name.
    package func hash(into hasher: inout Hasher) { hasher.combine(name) }
}
