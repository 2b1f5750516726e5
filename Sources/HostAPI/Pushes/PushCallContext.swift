import PluginHost
import Portable

/// What host functions know while a push is judged.
struct PushCallContext: Sendable {
    let repository: RepositoryID
    /// Where the new objects wait; `nil` when they are in the repository already.
    let quarantine: String?

    /// The folder of new objects that a call may see: that of the push being judged, in its own repository.
    static func quarantine(_ call: HostCall, _ repository: RepositoryID) -> String? {
        guard let context = call.callerContext as? PushCallContext, context.repository == repository else {
            return nil
        }
        return context.quarantine
    }
}
