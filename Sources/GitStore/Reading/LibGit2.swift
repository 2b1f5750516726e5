import CGit2
import Portable

/// The library that reads repositories in this process, set up once.
enum LibGit2 {
    private static let started: Void = {
        git_libgit2_init()
        // Paths come from the home layout alone, so whose files they are decides nothing.
        _ = cgit2_set_option(CInt(GIT_OPT_SET_OWNER_VALIDATION.rawValue), 0)
        _ = cgit2_set_option(CInt(GIT_OPT_ENABLE_FSYNC_GITDIR.rawValue), 1)
        _ = cgit2_set_size_option(CInt(GIT_OPT_SET_CACHE_MAX_SIZE.rawValue), 32 * 1024 * 1024)
        // Nobody's own settings are read: only the repository's, which this server wrote.
        for level in [GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_GLOBAL, GIT_CONFIG_LEVEL_XDG] {
            _ = cgit2_set_search_path(level.rawValue, "")
        }
    }()

    /// Sets the library up, the first time.
    static func start() { _ = started }

    /// Why the last call on this thread was refused.
    static var reason: String {
        git_error_last().flatMap { $0.pointee.message }.map { String(cString: $0) } ?? "no reason given"
    }

    /// The error of a call that has just been refused on this thread.
    static func failure(_ operation: String) -> GitStoreError {
        .unreadable(operation: operation, reason: reason)
    }

    /// Throws unless a call has succeeded.
    static func check(_ code: CInt, _ operation: @autoclosure () -> String) throws {
        guard code >= 0 else { throw failure(operation()) }
    }
}

extension ObjectID {
    /// The identifier of one of the library's objects.
    init(_ oid: git_oid) {
        let id = withUnsafeBytes(of: oid.id) { ObjectID(bytes: $0) }
        self = id ?? .zero
    }

    /// The identifier as the library wants it.
    var oid: git_oid {
        var oid = git_oid()
        withUnsafeMutableBytes(of: &oid.id) { $0.copyBytes(from: bytes) }
        return oid
    }
}
