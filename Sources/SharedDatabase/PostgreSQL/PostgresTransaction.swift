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
    private var isCommitted = false
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

    func rows(
        ofAll statements: [(sql: String, arguments: [DatabaseValue])], isLast: Bool
    ) throws(DatabaseError) -> [[DatabaseRow]] {
        guard let first = statements.first else { return [] }
        return try guarded(first.sql) { () throws(DatabaseError) in
            for statement in statements { try ask(statement.sql, statement.arguments) }
            let results =
                isLast
                ? try end(first.sql)
                : try told(sql: first.sql) { () throws(PostgresError) in
                    try link.receive(within: answerTime)
                }
            guard results.count == statements.count else {
                throw .statement(message: "the server's answers are out of step", sql: first.sql)
            }
            var all: [[DatabaseRow]] = []
            for (result, statement) in zip(results, statements) {
                all.append(try result.rows(limit: nil, sql: statement.sql))
            }
            return all
        }
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
        guard case .read = kind else {
            _ = try end("COMMIT")
            return
        }
        do {
            try link.send("COMMIT", isWanted: false)
            try link.flush()
        } catch {
            link.abandon()
        }
    }

    /// Sends what is queued with the commit behind it, and waits for the answers.
    private func end(_ sql: String) throws(DatabaseError) -> [PostgresResult] {
        do {
            try link.send("COMMIT", isWanted: false)
            isBegun = false
            let results = try link.receive(within: answerTime)
            isCommitted = true
            return results
        } catch {
            if case .refused(let refusal) = error, refusal.remedy != .againOnNewConnection {
                failure = error
                isBegun = true
                throw error.databaseError(sql: sql)
            }
            link.abandon()
            let reason = "\(error.databaseError(sql: nil))"
            throw .outcomeUnknown(reason: reason)
        }
    }

    /// Waits until the disk has what this connection has committed. On another one that would prove nothing:
    /// a server that was started anew may have lost it.
    func persist() throws(DatabaseError) {
        do {
            // Whoever writes nothing waits for nothing: this is a record of its own, behind all earlier ones.
            try link.send("SELECT pg_logical_emit_message(true, 'perigee', '')", isWanted: false)
            _ = try link.receive(within: answerTime)
        } catch {
            link.abandon()
            throw .outcomeUnknown(reason: "\(error.databaseError(sql: nil))")
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
            try ask(sql, arguments)
            return try told(sql: sql) { () throws(PostgresError) in
                guard let result = try link.receive(within: answerTime).last else {
                    throw .broken(reason: "the server's answers are out of step")
                }
                return result
            }
        }
    }

    /// Queues a statement whose answer is wanted.
    private func ask(_ sql: String, _ arguments: [DatabaseValue]) throws(DatabaseError) {
        let parameters = try parameters(arguments, of: sql)
        try told(sql: sql) { () throws(PostgresError) in
            try begin()
            try link.send(sql, parameters, isWanted: true)
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
        if isCommitted { throw .statement(message: "the transaction has ended", sql: sql) }
        do {
            return try body()
        } catch {
            firstError = error
            throw error
        }
    }
}
