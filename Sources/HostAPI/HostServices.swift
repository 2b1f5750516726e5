import ClusterServices
import GitStore
import Hosting
import PluginHost
import Portable

/// What the modules stand on; empty when only their declarations are wanted.
struct HostServices: Sendable {
    let hosting: Hosting?
    let kv: KeyValueStore?

    func requireHosting() throws -> Hosting {
        guard let hosting else {
            throw HostFailure.outcome(code: .unavailable, message: "no server runs here")
        }
        return hosting
    }

    func requireKV() throws -> KeyValueStore {
        guard let kv else { throw HostFailure.outcome(code: .unavailable, message: "no server runs here") }
        return kv
    }

    /// The repository of an argument.
    /// - Throws: ``HostFailure`` with code `not_found` when there is none (any more).
    func repository(_ call: HostCall, _ index: Int) async throws -> Repository {
        let id = call.repository(index)
        guard let repository = try await requireHosting().repositories.get(id) else {
            throw HostFailure.outcome(code: .notFound, message: "there is no repository \(id)")
        }
        return repository
    }

    /// Does something with a repository's folder; what the disk says becomes an outcome.
    func onDisk<Value: Sendable>(
        _ repository: Repository, _ body: (GitStore, String) async throws -> Value
    ) async throws -> Value {
        let hosting = try requireHosting()
        guard repository.state == .available else {
            throw HostFailure.outcome(code: .unavailable, message: "the repository is being created")
        }
        return try await body(hosting.git, hosting.layout.repository(repository.id))
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
