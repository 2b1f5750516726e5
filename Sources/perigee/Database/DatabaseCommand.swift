import ArgumentParser
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

    @OptionGroup var place: HomeOptions

    func run() async throws {
        let (home, sharedHome) = try place.paths()
        let migration = DatabaseMigration(home: home, sharedHome: sharedHome, url: url)
        let moved = try await migration.run()
        print(
            "Moved and compared \(moved.rows) rows of \(moved.tables) tables. The file is now \(moved.file).")
        print("Set database.url in shared/perigee.properties, and start the node.")
    }
}
