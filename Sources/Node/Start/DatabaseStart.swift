import FoundationEssentials
import Hosting
import Logging
import SharedDatabase

/// The database's part of a start: it is there, of this installation, and has today's tables.
struct DatabaseStart: Sendable {
    let database: SharedDatabase
    let layout: HomeLayout
    /// Whether it is a server, which may be on its way up when this node is.
    let isServer: Bool
    let logger: Logger

    /// For how long a server that does not answer is waited for.
    private static let patience = Duration.seconds(60)

    func run() async throws {
        try await migrate()
        if isServer { try await requireRepositories() }
    }

    private func migrate() async throws {
        let end = ContinuousClock.now + Self.patience
        while true {
            do {
                return try await database.migrate(NodeMigrations.all)
            } catch DatabaseError.newerSchema([DatabaseMove.unfinished]) {
                throw StartError.databaseIncomplete
            } catch DatabaseError.unavailable(let reason) where isServer && ContinuousClock.now < end {
                logger.warning("waiting for the database", metadata: ["error": "\(reason)"])
                try await Task.sleep(for: .seconds(1))
            }
        }
    }

    /// An empty database beside a home that is in use is another one than that home's.
    private func requireRepositories() async throws {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: layout.repositories)) ?? []
        let repositories = names.filter { Int64($0) != nil }.count
        guard repositories > 0 else { return }
        let hasUsers = try await database.read { try $0.firstRow("SELECT id FROM app_user LIMIT 1") != nil }
        guard hasUsers else { throw StartError.databaseEmpty(repositories: repositories) }
    }
}
