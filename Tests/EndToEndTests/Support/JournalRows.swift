import Logging
import SharedDatabase

/// The journal of ref changes as a stopped node has left it.
enum JournalRows {
    /// The state of each row, in the order in which they were written.
    static func states(home: String) async throws -> [String] {
        let database = try SharedDatabase.openSQLite(
            path: "\(home)/shared/data/perigee.sqlite", logger: Logger(label: "test"))
        let states = try await database.read { transaction in
            try transaction.rows("SELECT state FROM ref_change_journal ORDER BY id").map {
                try $0.text("state")
            }
        }
        await database.close()
        return states
    }
}
