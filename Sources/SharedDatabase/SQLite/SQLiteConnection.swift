import FoundationEssentials
import GRDB
import Glibc

/// One of the pool's connections, for the length of one transaction and on the pool's thread.
final class SQLiteConnection: DatabaseConnection {
    private let database: Database
    private let path: String
    /// The first error of a statement; afterwards nothing more is accepted.
    private(set) var firstError: DatabaseError?
    private var isEnding = false
    /// What is sent out once the transaction is committed.
    private(set) var notifications: [(channel: String, payload: String)] = []

    init(_ database: Database, path: String) {
        self.database = database
        self.path = path
    }

    func execute(_ sql: String, _ arguments: [DatabaseValue]) throws(DatabaseError) -> Int {
        try guarded(sql) {
            let statement = try statement(sql, arguments)
            let before = database.totalChangesCount
            try statement.execute()
            return database.totalChangesCount == before ? 0 : database.changesCount
        }
    }

    func enqueue(_ sql: String, _ arguments: [DatabaseValue]) throws(DatabaseError) {
        _ = try execute(sql, arguments)
    }

    func rows(_ sql: String, _ arguments: [DatabaseValue], limit: Int?) throws(DatabaseError) -> [DatabaseRow]
    {
        try guarded(sql) {
            let statement = try statement(sql, arguments)
            let columns = statement.columnNames
            let cursor = try Row.fetchCursor(statement)
            var rows: [DatabaseRow] = []
            while rows.count < limit ?? .max, let row = try cursor.next() {
                rows.append(
                    DatabaseRow(
                        columns: columns, values: (0..<columns.count).map { DatabaseValue(row, at: $0) }))
            }
            return rows
        }
    }

    /// The engine commits when the closure is through.
    func rows(
        ofAll statements: [(sql: String, arguments: [DatabaseValue])], isLast: Bool
    ) throws(DatabaseError) -> [[DatabaseRow]] {
        var all: [[DatabaseRow]] = []
        for statement in statements { all.append(try rows(statement.sql, statement.arguments, limit: nil)) }
        isEnding = isEnding || isLast && !all.isEmpty
        return all
    }

    func now() throws(DatabaseError) -> Int64 {
        var time = timespec()
        guard clock_gettime(CLOCK_REALTIME, &time) == 0 else {
            throw .unavailable(reason: "the clock cannot be read")
        }
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    func timeline() throws(DatabaseError) -> Int64 { 1 }

    var isShared: Bool { false }

    func allow(_ time: Duration) throws(DatabaseError) {}

    func notify(_ channel: String, _ payload: String) throws(DatabaseError) {
        try guarded("NOTIFY") {
            try DatabaseSignal.check(channel: channel, payload: payload)
            notifications.append((channel, payload))
        }
    }

    func commit() throws(DatabaseError) {
        isEnding = false
        try guarded("COMMIT") { try database.commit() }
    }

    private func statement(_ sql: String, _ arguments: [DatabaseValue]) throws -> Statement {
        // PostgreSQL has no such texts, and the library beneath would cut them off when they are read.
        for case .text(let text) in arguments where text.utf8.contains(0) {
            throw DatabaseError.constraint(kind: .check, detail: "a text holds the character NUL")
        }
        let statement = try database.cachedStatement(sql: sql)
        try statement.setArguments(StatementArguments(arguments.map(\.argument)))
        return statement
    }

    private func guarded<V>(_ sql: String, _ body: () throws -> V) throws(DatabaseError) -> V {
        if let firstError { throw firstError }
        if isEnding { throw .statement(message: "the transaction has ended", sql: sql) }
        do {
            return try body()
        } catch {
            let error = DatabaseError(error, path: path, sql: sql)
            firstError = error
            throw error
        }
    }
}

extension DatabaseValue {
    fileprivate init(_ row: Row, at index: Int) {
        let value: GRDB.DatabaseValue = row[index]
        self =
            switch value.storage {
            case .null: .null
            case .int64(let number): .integer(number)
            case .double(let number): .real(number)
            case .string(let text): .text(text)
            case .blob(let bytes): .blob(Array(bytes))
            }
    }

    fileprivate var argument: GRDB.DatabaseValue {
        switch self {
        case .null: .null
        case .integer(let number): number.databaseValue
        case .real(let number): number.databaseValue
        case .text(let text): text.databaseValue
        case .blob(let bytes): Data(bytes).databaseValue
        }
    }
}
