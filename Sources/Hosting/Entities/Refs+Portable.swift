package import Portable

extension Branch {
    /// The branch in the shape of REST.
    package func portable() -> PortableValue {
        [
            "id": .string(name.full), "displayId": .string(name.display), "type": "BRANCH",
            "latestCommit": .string(latestCommit.hex), "latestChangeset": .string(latestCommit.hex),
            "isDefault": .bool(isDefault),
        ]
    }
}

extension Tag {
    /// The tag in the shape of REST.
    package func portable() -> PortableValue {
        [
            "id": .string(name.full), "displayId": .string(name.display), "type": "TAG",
            "latestCommit": .string(latestCommit.hex), "latestChangeset": .string(latestCommit.hex),
            "hash": .optional(tagObject?.hex),
        ]
    }
}

extension RefChange {
    /// The change in the webhook's shape: `{ref:{id,displayId,type}, refId, fromHash, toHash, type}`.
    ///
    /// The type of a ref is BRANCH or TAG; of refs that are neither it is null.
    package func portable() -> PortableValue {
        let type: PortableValue = ref.isBranch ? "BRANCH" : ref.isTag ? "TAG" : .null
        return [
            "ref": ["id": .string(ref.full), "displayId": .string(ref.display), "type": type],
            "refId": .string(ref.full), "fromHash": .string(from.hex), "toHash": .string(to.hex),
            "type": .string(kind.rawValue),
        ]
    }
}
