import GitStore
import Hosting
import Portable

extension Project {
    /// The table that plugins get.
    var luaTable: PortableValue {
        .map(
            [
                "id": .integer(id.rawValue), "key": .string(key), "name": .string(name),
                "public": .bool(isPublic),
                "type": .string(kind.rawValue), "description": .optional(description),
            ].withoutNulls)
    }
}

extension Repository {
    /// The table that plugins get.
    var luaTable: PortableValue {
        .map(
            [
                "id": .integer(id.rawValue), "slug": .string(slug), "name": .string(name),
                "public": .bool(isPublic),
                "archived": .bool(isArchived), "forkable": .bool(isForkable),
                "state": .string(state.rawValue),
                "description": .optional(description), "project": project.luaTable,
            ].withoutNulls)
    }
}

extension RefEntry {
    /// The table that plugins get.
    var luaTable: PortableValue {
        [
            "id": .string(name.full), "display_id": .string(name.display), "type": .string(name.luaType),
            "target": .string(object.hex), "object": .string(target.hex),
        ]
    }
}

extension RefName {
    /// What sort of ref it is, as plugins and webhooks name it.
    var luaType: String { isBranch ? "BRANCH" : isTag ? "TAG" : "OTHER" }
}

extension CommitRecord {
    /// The table that plugins get.
    /// - Parameter messageBytesMax: Longer messages are cut.
    func luaTable(messageBytesMax: Int) -> PortableValue {
        [
            "id": .string(id.hex), "display_id": .string(id.short),
            "parents": .list(parents.prefix(100).map { .string($0.hex) }),
            "author": author.luaTable, "author_timestamp": .integer(author.timestamp),
            "committer": committer.luaTable, "committer_timestamp": .integer(committer.timestamp),
            "message": .string(message.cut(toBytes: messageBytesMax)),
        ]
    }
}

extension Signature {
    var luaTable: PortableValue {
        ["name": .string(name.cut(toBytes: 200)), "email": .string(email.cut(toBytes: 200))]
    }
}

extension User {
    /// The table that plugins get.
    var luaTable: PortableValue {
        .map(
            [
                "id": .integer(id.rawValue), "name": .string(name), "slug": .string(slug),
                "display_name": .string(displayName), "email": .optional(emailAddress),
            ].withoutNulls)
    }
}

extension [String: PortableValue] {
    /// Lua tables have no nil fields.
    var withoutNulls: [String: PortableValue] { filter { !$0.value.isNull } }
}

extension String {
    /// The text, cut at a character so that it has at most so many bytes.
    func cut(toBytes bytesMax: Int) -> String {
        guard utf8.count > bytesMax else { return self }
        var end = utf8.index(startIndex, offsetBy: bytesMax)
        while end > startIndex, end.samePosition(in: unicodeScalars) == nil { end = utf8.index(before: end) }
        return String(self[..<end])
    }
}
