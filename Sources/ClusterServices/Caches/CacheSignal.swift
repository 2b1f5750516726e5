import FoundationEssentials
import Portable

/// What nodes tell each other about caches: one notification, MessagePack in base 64.
struct CacheSignal: Sendable {
    /// What happened to one cache in one transaction.
    struct Change: Sendable {
        let region: String
        /// The region's version after it.
        let version: Int64
        /// Everything changed, before the keys did.
        var isAll = false
        var keys: [CacheKey] = []
    }

    /// The channel of the database.
    static let channel = "perigee_cache"
    /// Encoded changes in one notification, before it is written as text, which is a third longer.
    static let bytesMax = 5_500
    /// More keys than this are told as everything.
    static let keysMax = 200

    /// Who sent it.
    let source: Int64
    /// The sender's clock when it was made.
    let stamp: Int64
    var changes: [Change] = []

    /// The texts of as many notifications as it takes.
    func payloads() throws(PortableError) -> [String] {
        var parts: [[PortableValue]] = [[]]
        var size = 0
        for change in changes {
            let isAll = change.isAll || change.keys.count > Self.keysMax
            let whole = Self.value(change.region, change.version, isAll, isAll ? [] : change.keys)
            for piece in try Self.pieces(whole, change, isAll) {
                let bytes = try MessagePack.encode(piece).count
                if size + bytes > Self.bytesMax, !parts[parts.count - 1].isEmpty {
                    parts.append([])
                    size = 0
                }
                parts[parts.count - 1].append(piece)
                size += bytes
            }
        }
        return try parts.map { (part) throws(PortableError) in
            let value = PortableValue.list([.integer(source), .integer(stamp), .list(part)])
            return Data(try MessagePack.encode(value)).base64EncodedString()
        }
    }

    /// A change that is too long for one notification, in several.
    private static func pieces(
        _ whole: PortableValue, _ change: Change, _ isAll: Bool
    ) throws(PortableError) -> [PortableValue] {
        guard !isAll, try MessagePack.encode(whole).count > bytesMax else { return [whole] }
        return stride(from: 0, to: change.keys.count, by: 5).map { start in
            value(
                change.region, change.version, false,
                Array(change.keys[start..<min(start + 5, change.keys.count)]))
        }
    }

    private static func value(
        _ region: String, _ version: Int64, _ isAll: Bool, _ keys: [CacheKey]
    ) -> PortableValue {
        .list([.string(region), .integer(version), .bool(isAll), .list(keys.map(\.value))])
    }

    /// `nil` for a text that no node of this version has sent.
    init?(_ payload: String) {
        guard let bytes = Data(base64Encoded: payload), let value = try? MessagePack.decode(bytes),
            let source = value[0]?.integerValue, let stamp = value[1]?.integerValue,
            let items = value[2]?.listValue
        else { return nil }
        self.source = source
        self.stamp = stamp
        for item in items {
            guard let region = item[0]?.stringValue, let version = item[1]?.integerValue,
                let isAll = item[2]?.boolValue, let keys = item[3]?.listValue
            else { return nil }
            var change = Change(region: region, version: version, isAll: isAll)
            for key in keys {
                guard let key = try? CacheKey(key) else { return nil }
                change.keys.append(key)
            }
            changes.append(change)
        }
    }

    init(source: Int64, stamp: Int64, changes: [Change] = []) {
        self.source = source
        self.stamp = stamp
        self.changes = changes
    }
}
