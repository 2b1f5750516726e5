import Foundation
import Logging
package import NodeTestKit
package import SharedDatabase
import Synchronization

/// Which kinds of database a test can ask for.
package enum TestEngine: String, CaseIterable, Sendable {
    case sqlite
    case postgres
}

/// A database of a test's own, empty but for the tables of the given migrations. It goes with the last
/// reference.
///
/// All tests of a process share one PostgreSQL server, which starts with the first that asks for it.
package final class TestDatabase: Sendable {
    /// Which engine it is of.
    package let engine: TestEngine
    /// The database, open; the test may close it.
    package let database: SharedDatabase
    /// The URL, with PostgreSQL; the file's path otherwise.
    package let location: String
    /// The server, with PostgreSQL.
    package let server: ThrowawayPostgres?
    private let folder: TemporaryDirectory?

    private init(
        _ engine: TestEngine, _ database: SharedDatabase, _ location: String, _ server: ThrowawayPostgres?,
        _ folder: TemporaryDirectory?
    ) {
        self.engine = engine
        self.database = database
        self.location = location
        self.server = server
        self.folder = folder
    }

    /// Makes a database.
    /// - Parameter migrations: All that the test needs, in the order in which they depend on each other.
    package static func open(_ engine: TestEngine, migrations: [Migration] = []) async throws -> TestDatabase
    {
        switch engine {
        case .sqlite:
            let folder = try TemporaryDirectory("database")
            let path = folder.path("perigee.sqlite")
            let database = try SharedDatabase.openSQLite(path: path, logger: logger)
            if !migrations.isEmpty { try await database.migrate(migrations) }
            return TestDatabase(engine, database, path, nil, folder)
        case .postgres:
            let server = try await ThrowawayPostgres.shared()
            let name = "test_\(number.wrappingAdd(1, ordering: .relaxed).newValue)"
            try await server.makeDatabase(name, from: Templates.shared.template(of: migrations, on: server))
            let database = try SharedDatabase.openPostgres(
                PostgresSettings(url: server.url(name)), logger: logger)
            return TestDatabase(engine, database, server.url(name), server, nil)
        }
    }

    /// Opens the same database as another node would. On SQLite, which has one node, it is the same object.
    /// - Parameter url: Another way to it, such as through a proxy.
    package func openAnother(
        url: String? = nil, _ change: (inout PostgresSettings) -> Void = { _ in }
    ) throws -> SharedDatabase {
        guard engine == .postgres else { return database }
        var settings = PostgresSettings(url: url ?? location)
        change(&settings)
        return try SharedDatabase.openPostgres(settings, logger: Self.logger)
    }

    /// The name of the database on the server.
    package var name: String { location.split(separator: "/").last.map(String.init) ?? "" }

    /// Makes a database, hands it over and closes it.
    package static func with<R>(
        _ engine: TestEngine, migrations: [Migration] = [], _ body: (TestDatabase) async throws -> R
    ) async throws -> R {
        let test = try await open(engine, migrations: migrations)
        do {
            let result = try await body(test)
            await test.database.close()
            return result
        } catch {
            await test.database.close()
            throw error
        }
    }

    private static let number = Atomic<Int>(0)

    private static var logger: Logger {
        var logger = Logger(label: "test")
        logger.logLevel = .error
        return logger
    }

    /// Databases with the tables of some migrations, of which copies are made.
    private actor Templates {
        static let shared = Templates()
        private var made: [[String]: Task<String, any Error>] = [:]

        func template(of migrations: [Migration], on server: ThrowawayPostgres) async throws -> String {
            guard !migrations.isEmpty else { return "template0" }
            let key = migrations.map { $0.name + $0.postgres }
            if let task = made[key] { return try await task.value }
            let name = "template_\(made.count + 1)"
            let task = Task {
                try await server.makeDatabase(name)
                let database = try SharedDatabase.openPostgres(
                    PostgresSettings(url: server.url(name)), logger: TestDatabase.logger)
                do {
                    try await database.migrate(migrations)
                } catch {
                    await database.close()
                    throw error
                }
                await database.close()
                return name
            }
            made[key] = task
            return try await task.value
        }
    }
}
