internal import Portable
internal import SharedDatabase

/// How changes of refs are stored: a MessagePack list of `[ref, from, to]`, ids as 20 bytes.
enum JournalCoding {
    /// - Throws: ``HostingError/invalid(field:message:)`` when there are too many (about 700,000).
    static func encode(_ changes: [RefChange]) throws(HostingError) -> [UInt8] {
        let value = PortableValue.list(
            changes.map { [.string($0.ref.full), .bytes($0.from.bytes), .bytes($0.to.bytes)] })
        do {
            return try MessagePack.encode(value, limits: .unlimited)
        } catch {
            throw .invalid(
                field: "changes",
                message: "\(changes.count) refs are too many for one push. Push them in parts.")
        }
    }

    /// - Throws: ``HostingError/unavailable(reason:)`` when the row was not written by this program.
    static func decode(_ bytes: [UInt8]) throws(HostingError) -> [RefChange] {
        guard let items = (try? MessagePack.decode(bytes, limits: .unlimited))?.listValue else {
            throw .unavailable(reason: "a row of the journal is damaged")
        }
        var changes: [RefChange] = []
        for item in items {
            guard let parts = item.listValue, parts.count == 3, let text = parts[0].stringValue,
                let ref = try? RefName(text), let from = id(parts[1]), let to = id(parts[2])
            else { throw .unavailable(reason: "a row of the journal is damaged") }
            changes.append(RefChange(ref: ref, from: from, to: to))
        }
        return changes
    }

    /// Bytes that happen to be UTF-8 come back from MessagePack as bytes too: they were written as such.
    private static func id(_ value: PortableValue) -> ObjectID? {
        switch value {
        case .bytes(let bytes): ObjectID(bytes: bytes)
        case .string(let text): ObjectID(bytes: Array(text.utf8))
        default: nil
        }
    }
}

extension JournalEntry {
    /// What to select for ``init(row:)`` from `ref_change_journal AS j`.
    static let columns = """
        j.id AS j_id, j.push_id AS j_push_id, j.repository_id AS j_repository_id, j.user_id AS j_user_id, \
        j.push_trigger AS j_push_trigger, j.changes AS j_changes, j.state AS j_state, j.confirmed_at AS
            j_confirmed_at
        """

    /// The entry of a row selected with ``columns``.
    init(row: DatabaseRow) throws {
        id = try row.integer("j_id")
        push = PushID(try row.text("j_push_id"))
        repository = try row.id("j_repository_id")
        user = try row.optionalID("j_user_id")
        trigger = PushTrigger(rawValue: try row.text("j_push_trigger")) ?? .push
        changes = try JournalCoding.decode(try row.blob("j_changes"))
        state = JournalState(rawValue: try row.text("j_state")) ?? .intended
        confirmedMilliseconds = try row.optionalInteger("j_confirmed_at")
    }
}
