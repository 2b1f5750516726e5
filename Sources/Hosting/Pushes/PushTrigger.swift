/// What made refs move; the raw value is stored and shown to plugins.
package enum PushTrigger: String, Sendable, Hashable {
    /// A git client.
    case push
    /// A branch made over REST.
    case branchCreate = "branch-create"
    /// A branch removed over REST.
    case branchDelete = "branch-delete"
    /// A tag made over REST.
    case tagCreate = "tag-create"
    /// A tag removed over REST.
    case tagDelete = "tag-delete"
    /// A plugin.
    case plugin
    /// The upstream of this mirror.
    case mirror
}
