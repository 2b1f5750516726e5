package import Portable

/// Something that happened, as subscribers see it.
package struct Event: Sendable, Hashable {
    /// What kind of thing: `repo:refs_changed`.
    package let key: String
    /// The facts, in the shape of the webhook of the same name.
    package let payload: PortableValue
    /// The repository concerned, or `nil`.
    package let repository: RepositoryID?
    /// Unique for ever; an event that is delivered again keeps it, so that handlers can tell.
    package let id: String

    /// - Parameters:
    ///   - key: What kind of thing.
    ///   - payload: The facts.
    ///   - repository: The repository concerned.
    ///   - id: Unique for ever.
    package init(key: String, payload: PortableValue, repository: RepositoryID? = nil, id: String) {
        self.key = key
        self.payload = payload
        self.repository = repository
        self.id = id
    }
}
