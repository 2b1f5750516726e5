package import GitStore
package import Portable

extension CommitRecord {
    /// The commit in the shape of REST and webhooks.
    package func portable() -> PortableValue {
        [
            "id": .string(id.hex), "displayId": .string(id.short), "author": author.portable(),
            "authorTimestamp": .integer(author.timestamp), "committer": committer.portable(),
            "committerTimestamp": .integer(committer.timestamp), "message": .string(message),
            "parents": .list(parents.map { ["id": .string($0.hex), "displayId": .string($0.short)] }),
        ]
    }
}

extension Signature {
    /// Name and e-mail address in the shape of REST.
    package func portable() -> PortableValue { ["name": .string(name), "emailAddress": .string(email)] }
}
