internal import Portable
internal import Synchronization

/// How far the fetches are that run at the moment.
final class RunningFetches: Sendable {
    private let bytes = Mutex<[RepositoryID: Int64]>([:])

    /// A fetch begins. There is one of a repository at a time.
    func begin(_ repository: RepositoryID) { bytes.withLock { $0[repository] = 0 } }

    /// So many bytes have come.
    func note(_ count: Int64, of repository: RepositoryID) { bytes.withLock { $0[repository] = count } }

    /// It has ended.
    func end(_ repository: RepositoryID) { bytes.withLock { $0[repository] = nil } }

    /// What has come so far, of each fetch that runs.
    var all: [RepositoryID: Int64] { bytes.withLock { $0 } }
}
