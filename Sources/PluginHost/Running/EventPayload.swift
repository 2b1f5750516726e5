import Portable

/// Keeps events to a size that a plugin's memory can hold: a push may change very many refs.
enum EventPayload {
    /// Entries of each list.
    static let entriesMax = 5_000
    /// The encoded values of one crossing into Lua; enough for that many refs with the longest names.
    static let bytesMax = 16 * 1024 * 1024

    /// The payload with its lists cut; `truncated` then has the true length of each by name.
    static func trimmed(_ payload: PortableValue) -> PortableValue {
        guard case .map(var map) = payload else { return payload }
        var lengths: [String: PortableValue] = [:]
        for (key, value) in map {
            guard case .list(let items) = value, items.count > entriesMax else { continue }
            map[key] = .list(Array(items.prefix(entriesMax)))
            lengths[key] = .integer(Int64(items.count))
        }
        guard !lengths.isEmpty else { return payload }
        map["truncated"] = .map(lengths)
        return .map(map)
    }
}
