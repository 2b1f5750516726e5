import FoundationEssentials
import Logging
import SharedDatabase

/// A folder of its own for one test, removed at the end.
final class TestFolder: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "perigee-database-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    var file: String { path + "/perigee.sqlite" }

    var files: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
    }

    func bytes() throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: file))) }

    func write(_ bytes: [UInt8]) throws { try Data(bytes).write(to: URL(filePath: file)) }

    func open() throws -> SharedDatabase {
        try SharedDatabase.openSQLite(path: file, logger: Logger(label: "test"))
    }

    /// Opens a database, hands it over and closes it.
    func withDatabase<R>(_ body: (SharedDatabase) async throws -> R) async throws -> R {
        let database = try open()
        do {
            let result = try await body(database)
            await database.close()
            return result
        } catch {
            await database.close()
            throw error
        }
    }
}

let people = Migration(
    name: "test-0001-people",
    sqlite: """
        -- People; and what they own.
        CREATE TABLE person (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT NOT NULL UNIQUE,
            age INTEGER CHECK (age >= 0)
        );
        CREATE TABLE thing (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            owner INTEGER NOT NULL REFERENCES person (id)
        );
        """,
    postgres: "")
