internal import FoundationEssentials
internal import Hosting
internal import NIOCore
internal import Portable

/// How packs of pushes go along with the news of them.
extension PushedPack {
    var portable: PortableValue {
        [
            "tips": .list(tips.map { .string($0.hex) }), "bases": .list(bases.map { .string($0.hex) }),
            "pack": .string(Data(bytes.readableBytesView).base64EncodedString()),
        ]
    }

    /// Reads what ``portable`` wrote; nil for anything else.
    init?(_ value: PortableValue) {
        guard let tips = Self.ids(value["tips"]), let bases = Self.ids(value["bases"]),
            let pack = value["pack"]?.stringValue.flatMap({ Data(base64Encoded: $0) })
        else { return nil }
        self.init(ByteBuffer(bytes: pack), tips: tips, bases: bases)
    }

    private static func ids(_ value: PortableValue?) -> Set<ObjectID>? {
        guard let list = value?.listValue else { return nil }
        let ids = list.compactMap { $0.stringValue.flatMap { ObjectID($0) } }
        return ids.count == list.count ? Set(ids) : nil
    }
}
