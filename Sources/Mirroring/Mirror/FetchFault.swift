internal import GitStore

/// Whose fault it is that a fetch has failed.
enum FetchFault {
    /// Answers of proxies, and of an upstream that has too much to do, starts, or does not know this mirror.
    private static let passing: Set<Int> = [401, 403, 408, 429, 502, 503, 504]
    /// What git says when it is the disk, and not the pack.
    private static let ownSigns = [
        "No space left", "Disk quota", "Read-only file system", "Permission denied", "Input/output error",
        "out of memory", "Cannot allocate memory", "Too many open files", "unable to create",
        "unable to write",
        "unresolved delta",
    ]

    /// Whether the upstream was asked and cannot give it; else it is this node, or the way between them.
    static func isUpstreams(_ error: any Error) -> Bool {
        switch error {
        case is PackFailure, PeerError.notUnderstood: true
        case PeerError.refused(let status, _, let code): code == nil && !passing.contains(status)
        case let error as SSHFailure: error.kind == .refused
        // The pack came whole, and is not sound.
        case GitStoreError.processFailed("index-pack", .exited, let said):
            !ownSigns.contains { said.contains($0) }
        default: false
        }
    }
}

extension MirrorFollower {
    /// Whether a failure of ``fetch(_:)`` says that the upstream cannot give what was asked for, so that this
    /// node lacks nothing that others have.
    package static func isUpstreams(_ error: any Error) -> Bool { FetchFault.isUpstreams(error) }
}
