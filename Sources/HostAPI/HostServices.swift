package import ClusterServices
import GitStore
import Hosting
import Mirroring
import PluginHost
import Portable

/// What the modules stand on; empty when only their declarations are wanted.
struct HostServices: Sendable {
    let hosting: Hosting?
    let kv: KeyValueStore?
    var cluster = ClusterAPIs()
    var routes: RouteTable?
    var mirroring: Mirroring?

    /// A service, such as `\.hosting` or `\.cluster.jobs`.
    /// - Throws: ``HostFailure`` with code `unavailable` when it is left out.
    func require<Service>(_ service: KeyPath<HostServices, Service?>) throws -> Service {
        try present(self[keyPath: service])
    }

    /// The same without a key path, which takes longer than a quick function.
    func present<Service>(_ service: Service?) throws -> Service {
        guard let service else {
            throw HostFailure.outcome(code: .unavailable, message: "no server runs here")
        }
        return service
    }

    /// The repository of an argument.
    /// - Throws: ``HostFailure`` with code `not_found` when there is none (any more).
    func repository(_ call: HostCall, _ index: Int) async throws -> Repository {
        let id = call.repository(index)
        guard let repository = try await require(\.hosting).repositories.get(id) else {
            throw HostFailure.outcome(code: .notFound, message: "there is no repository \(id)")
        }
        return repository
    }

    /// Does something with a repository's folder; what the disk says becomes an outcome.
    func onDisk<Value: Sendable>(
        _ repository: Repository, _ body: (GitStore, String) async throws -> Value
    ) async throws -> Value {
        let hosting = try require(\.hosting)
        guard repository.state == .available else {
            throw HostFailure.outcome(code: .unavailable, message: "the repository is being created")
        }
        return try await body(hosting.git, hosting.layout.repository(repository.id))
    }
}

/// What a cluster gives to plugins; a service that is left out is unavailable to them.
package struct ClusterAPIs: Sendable {
    /// Behind `perigee.locks`.
    package var locks: LockService?
    /// Behind `perigee.executors`.
    package var executors: ExecutorService?
    /// Behind `perigee.jobs`.
    package var jobs: JobScheduler?
    /// Behind `perigee.caches`.
    package var caches: CacheService?
    /// Behind `perigee.topics`.
    package var topics: TopicService?
    /// Behind `perigee.cluster`.
    package var membership: Membership?

    /// Nothing but what is given.
    package init(
        locks: LockService? = nil, executors: ExecutorService? = nil, jobs: JobScheduler? = nil,
        caches: CacheService? = nil, topics: TopicService? = nil, membership: Membership? = nil
    ) {
        self.locks = locks
        self.executors = executors
        self.jobs = jobs
        self.caches = caches
        self.topics = topics
        self.membership = membership
    }
}

extension HostFailure {
    /// What the domain refuses, as an outcome; what is the host's own trouble stays an error.
    static func from(_ error: HostingError) -> any Error {
        switch error {
        case .noSuchProject, .noSuchRepository, .noSuchUser, .noSuchGroup, .noSuchBranch, .noSuchTag,
            .noSuchCommit,
            .noSuchPath, .noDefaultBranch:
            HostFailure.outcome(code: .notFound, message: error.message)
        case .conflict, .duplicate, .archived: HostFailure.outcome(code: .conflict, message: error.message)
        case .refused, .invalid: HostFailure.outcome(code: .refused, message: error.message)
        case .busy, .notReady: HostFailure.outcome(code: .unavailable, message: error.message)
        default: error
        }
    }
}
