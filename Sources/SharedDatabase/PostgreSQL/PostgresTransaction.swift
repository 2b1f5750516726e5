/// One transaction on a connection, on that connection's thread. It begins with its first statement, in one
/// journey.
final class PostgresTransaction: DatabaseConnection {
    /// What a transaction is for.
    enum Kind: Sendable {
        case read
        case write(Durability)
    }

    private let link: PostgresLink
    private let kind: Kind
    private var answerTime: Duration
    private var isBegun = false
    /// The first error of a statement; afterwards nothing more is accepted.
    private(set) var firstError: DatabaseError?
    /// What was behind it, where it came from the server or the connection.
    private(set) var failure: PostgresError?

    init(_ link: PostgresLink, _ kind: Kind, answerTime: Duration) {
        self.link = link
        self.kind = kind
        self.answerTime = answerTime
    }

    var isShared: Bool { true }

    func execute(_ sql: String, _ arguments: [DatabaseValue]) throws(DatabaseError) -> Int {
        try run(sql, arguments).changedRows
    }

    /// Goes with the next statement or the commit; an error of it is met there.
    func enqueue(_ sql: String, _ arguments: [DatabaseValue]) throws(DatabaseError) {
        try guarded(sql) { () throws(DatabaseError) in
            let parameters = try parameters(arguments, of: sql)
            try told(sql: sql) { () throws(PostgresError) in
                try begin()
                try link.send(sql, parameters, isWanted: false)
            }
        }
    }

    func rows(_ sql: String, _ arguments: [DatabaseValue], limit: Int?) throws(DatabaseError) -> [DatabaseRow]
    {
        let result = try run(sql, arguments)
        return try guarded(sql) { () throws(DatabaseError) in try result.rows(limit: limit, sql: sql) }
    }

    func now() throws(DatabaseError) -> Int64 {
        try number("SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::int8 AS n")
    }

    func timeline() throws(DatabaseError) -> Int64 {
        try number(
            "SELECT ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::int8 AS n")
    }

    func notify(_ channel: String, _ payload: String) throws(DatabaseError) {
        try guarded("NOTIFY") { () throws(DatabaseError) in
            try DatabaseSignal.check(channel: channel, payload: payload)
            // Goes with the next statement or the commit; an error of it is met there.
            let parameters = [try PostgresParameter(.text(channel)), try PostgresParameter(.text(payload))]
            try told(sql: nil) { () throws(PostgresError) in
                try begin()
                try link.send("SELECT pg_notify(?, ?)", parameters, isWanted: false)
            }
        }
    }

    /// Waits for the end of this transaction's changes; a read's end is not waited for.
    func commit() throws(DatabaseError) {
        if let firstError { throw firstError }
        guard isBegun else { return }
        do {
            try link.send("COMMIT", isWanted: false)
            guard case .write = kind else { return try link.flush() }
            isBegun = false
            _ = try link.receive(within: answerTime)
        } catch {
            guard case .write = kind else { return link.abandon() }
            if case .refused(let refusal) = error, refusal.remedy != .againOnNewConnection {
                failure = error
                isBegun = true
                throw error.databaseError(sql: "COMMIT")
            }
            link.abandon()
            let reason = "\(error.databaseError(sql: nil))"
            throw .outcomeUnknown(reason: reason)
        }
    }

    /// Undoes what was done, without waiting for that.
    func rollBack() {
        guard isBegun, !link.isBroken else { return }
        isBegun = false
        do throws(PostgresError) {
            try link.send("ROLLBACK", isWanted: false)
            try link.flush()
        } catch {
            link.abandon()
        }
    }

    /// Lets statements take as long as a change of large tables may.
    func allow(_ time: Duration) throws(DatabaseError) {
        answerTime = time
        for name in ["statement_timeout", "lock_timeout"] {
            _ = try run(
                "SELECT set_config(?, ?, true)", [.text(name), .text("\(time.milliseconds)")])
        }
    }

    private func begin() throws(PostgresError) {
        guard !isBegun else { return }
        isBegun = true
        switch kind {
        case .read: try link.send("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", isWanted: false)
        case .write(let durability):
            try link.send("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", isWanted: false)
            guard durability == .process else { return }
            try link.send("SELECT set_config('synchronous_commit', 'off', true)", isWanted: false)
        }
    }

    private func run(_ sql: String, _ arguments: [DatabaseValue]) throws(DatabaseError) -> PostgresResult {
        try guarded(sql) { () throws(DatabaseError) in
            let sent = try parameters(arguments, of: sql)
            return try told(sql: sql) { () throws(PostgresError) in
                try begin()
                try link.send(sql, sent, isWanted: true)
                guard let result = try link.receive(within: answerTime).last else {
                    throw .broken(reason: "the server's answers are out of step")
                }
                return result
            }
        }
    }

    private func parameters(
        _ arguments: [DatabaseValue], of sql: String
    ) throws(DatabaseError) -> [PostgresParameter] {
        let expected = link.parameterCount(of: sql)
        guard expected == arguments.count else {
            throw .statement(
                message: "takes \(expected) parameters and is given \(arguments.count)", sql: sql)
        }
        var parameters: [PostgresParameter] = []
        for argument in arguments { parameters.append(try PostgresParameter(argument)) }
        return parameters
    }

    private func number(_ sql: String) throws(DatabaseError) -> Int64 {
        guard let row = try rows(sql, [], limit: 1).first else {
            throw .statement(message: "no row", sql: sql)
        }
        return try row.integer("n")
    }

    private func told<V>(sql: String?, _ body: () throws(PostgresError) -> V) throws(DatabaseError) -> V {
        do {
            return try body()
        } catch {
            failure = error
            throw error.databaseError(sql: sql)
        }
    }

    private func guarded<V>(
        _ sql: String, _ body: () throws(DatabaseError) -> V
    ) throws(DatabaseError) -> V {
        if let firstError { throw firstError }
        do {
            return try body()
        } catch {
            firstError = error
            throw error
        }
    }
}
