import ArgumentParser
import FoundationEssentials
import Node

/// `perigee database`: what is done to a database while no node uses it.
struct DatabaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "database", abstract: "Look after the database of a home.",
        subcommands: [DatabaseMigrateCommand.self])
}

/// `perigee database migrate-to`: from the file of a home to PostgreSQL.
struct DatabaseMigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate-to", abstract: "Move the database of a home to PostgreSQL.",
        discussion: """
            The node must be stopped, and the database at URL must be empty. Every row is copied, read back \
            and compared. Then the file is renamed to perigee.sqlite.moved, and what remains to do is to set \
            database.url in shared/perigee.properties. A move that is cut short can be made again.
            """)

    @Argument(
        help: "Where to: postgres://user@host/name. The environment's PGPASSWORD may hold the password.")
    var url: String

    @Option(help: "The home directory. Default: the environment's PERIGEE_HOME.")
    var home: String?

    @Option(name: .customLong("shared-home"), help: "The shared home, if it is not HOME/shared.")
    var sharedHome: String?

    func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        guard let home = home ?? environment["PERIGEE_HOME"], !home.isEmpty else {
            throw ValidationError("Missing expected argument '--home <home>'")
        }
        let migration = DatabaseMigration(
            home: AbsolutePath.of(home),
            sharedHome: (sharedHome ?? environment["PERIGEE_SHARED_HOME"]).map { AbsolutePath.of($0) },
            url: url)
        let moved = try await migration.run()
        print(
            "Moved and compared \(moved.rows) rows of \(moved.tables) tables. The file is now \(moved.file).")
        print("Set database.url in shared/perigee.properties, and start the node.")
    }
}
