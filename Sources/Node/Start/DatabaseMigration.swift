import FoundationEssentials
import Glibc
import Hosting
import Logging
import SharedDatabase

/// `perigee database migrate-to`: moves a home's database from its file to PostgreSQL.
package struct DatabaseMigration: Sendable {
    /// What was moved.
    package struct Outcome: Sendable {
        /// How many tables.
        package let tables: Int
        /// How many rows they hold together.
        package let rows: Int
        /// Where the file is now.
        package let file: String
    }

    private let layout: HomeLayout
    private let target: PostgresSettings

    /// - Parameter home: The home directory; an absolute path.
    /// - Parameter sharedHome: The shared home when it is elsewhere; an absolute path.
    package init(home: String, sharedHome: String?, url: String) {
        layout = HomeLayout(home: home, sharedHome: sharedHome)
        target = PostgresSettings(url: url)
    }

    /// Moves it, and puts the file aside, so that no node starts on it by mistake.
    /// - Throws: ``StartError`` when a node runs on the home or there is no file; ``DatabaseMoveError``,
    ///   ``DatabaseError``. The file is as it was, then.
    package func run() async throws -> Outcome {
        guard access(layout.databaseFile, F_OK) == 0 else {
            throw StartError.home(
                path: layout.databaseFile, problem: "is missing",
                action: "Name the home of a node that keeps its database in a file.")
        }
        let id = try NodeIdentity.load(home: layout.home)
        let lock = try HomeLock(
            file: "\(layout.run)/lock", nodeFile: NodeFile.path(layout.run), home: layout.home, node: id)
        defer { withExtendedLifetime(lock) {} }
        let logger = Logger(label: "perigee.database", factory: { _ in SwiftLogNoOpLogHandler() })
        let source = try SharedDatabase.openSQLite(path: layout.databaseFile, logger: logger)
        do {
            let target = try SharedDatabase.openPostgres(target, logger: logger)
            do {
                let move = DatabaseMove(from: source, to: target, migrations: NodeMigrations.all)
                let summary = try await move.run()
                await target.close()
                await source.close()
                return Outcome(tables: summary.tables, rows: summary.rows, file: try putAside())
            } catch {
                await target.close()
                throw error
            }
        } catch {
            await source.close()
            throw error
        }
    }

    private func putAside() throws -> String {
        let aside = layout.databaseFile + ".moved"
        guard rename(layout.databaseFile, aside) == 0 else {
            throw StartError.home(
                path: layout.databaseFile, problem: String(cString: strerror(errno)),
                action: "Everything is moved; rename the file yourself.")
        }
        return aside
    }
}
