/// What a transaction's closure works with. It must not leave the closure.
///
/// SQL is one text for both engines with `?` for parameters. Statements are kept prepared by their text:
/// never build a text out of values. After a statement of a `write` has thrown, the transaction can only be
/// abandoned: each further statement is refused and nothing is committed, even when the closure catches the
/// error; to tolerate a conflict say `ON CONFLICT`. (PostgreSQL behaves so, therefore both engines do.)
package struct DatabaseTransaction {
    private let connection: any DatabaseConnection

    init(_ connection: any DatabaseConnection) {
        self.connection = connection
    }

    /// Runs a statement and discards its rows.
    /// - Returns: How many rows an INSERT, UPDATE or DELETE changed (cascades not counted), else 0.
    /// - Throws: ``DatabaseError``.
    @discardableResult
    package func execute(_ sql: String, _ arguments: [DatabaseValue] = []) throws(DatabaseError) -> Int {
        try connection.execute(sql, arguments)
    }

    /// Runs a statement whose answer is not needed: over a network it goes with what comes next, and spares a
    /// round trip.
    /// - Throws: ``DatabaseError``; what the statement itself meets may be thrown by a later one, or by the
    ///   commit.
    package func enqueue(_ sql: String, _ arguments: [DatabaseValue] = []) throws(DatabaseError) {
        try connection.enqueue(sql, arguments)
    }

    /// Runs a query and copies all its rows; limit what you ask for.
    /// - Throws: ``DatabaseError``.
    package func rows(_ sql: String, _ arguments: [DatabaseValue] = []) throws(DatabaseError) -> [DatabaseRow]
    {
        try connection.rows(sql, arguments, limit: nil)
    }

    /// Runs queries, in order, and gives each one's rows: over a network in one round trip.
    /// - Parameter isLast: Whether the transaction is then committed, in the same round trip: statements that
    ///   follow are refused, and what the closure still throws undoes nothing. Nothing happens without a
    ///   query.
    /// - Throws: ``DatabaseError``, the first; those of the commit among them.
    package func rows(
        ofAll statements: [(sql: String, arguments: [DatabaseValue])], isLast: Bool = false
    ) throws(DatabaseError) -> [[DatabaseRow]] {
        try connection.rows(ofAll: statements, isLast: isLast)
    }

    /// Runs a query and gives its first row.
    /// - Returns: `nil` when there is none.
    /// - Throws: ``DatabaseError``.
    package func firstRow(
        _ sql: String, _ arguments: [DatabaseValue] = []
    ) throws(DatabaseError) -> DatabaseRow? {
        try connection.rows(sql, arguments, limit: 1).first
    }

    /// Runs an `INSERT ... RETURNING id` and gives that id.
    /// - Throws: ``DatabaseError``; ``DatabaseError/statement(message:sql:)`` when no row with a column `id`
    ///   comes back.
    package func insert(_ sql: String, _ arguments: [DatabaseValue] = []) throws(DatabaseError) -> Int64 {
        guard let row = try connection.rows(sql, arguments, limit: nil).first else {
            throw .statement(message: "an insert gave no id back", sql: sql)
        }
        return try row.integer("id")
    }

    /// The time by the database's clock, the only one that nodes share.
    /// - Returns: Milliseconds since 1970.
    /// - Throws: ``DatabaseError``.
    package func now() throws(DatabaseError) -> Int64 {
        try connection.now()
    }

    /// ``now()`` as an expression that a statement evaluates once, so that nobody has to ask for it before.
    package var nowExpression: String { Self.nowExpression(isShared: connection.isShared) }

    /// The same for one of the engines.
    package static func nowExpression(isShared: Bool) -> String {
        isShared
            ? "(SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::int8)"
            : "(SELECT CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER))"
    }

    /// Which history of the database this is: it grows when a standby is promoted and when a backup is
    /// restored to a point in time, the two ways in which commits can be lost; 1 on SQLite.
    /// - Throws: ``DatabaseError``.
    package func timeline() throws(DatabaseError) -> Int64 {
        try connection.timeline()
    }

    /// ``timeline()`` as an expression, for statements that must not be based on another history than they
    /// change.
    package var timelineExpression: String {
        connection.isShared
            ? "('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::int8" : "1"
    }

    /// Sends a notification when this transaction commits, to ``SharedDatabase/signals(of:)`` of every
    /// process.
    /// - Parameters:
    ///   - channel: Letters, digits and underscores, at most 63.
    ///   - payload: Less than 8000 bytes. Equal ones of one transaction may arrive once.
    /// - Throws: ``DatabaseError``.
    package func notify(_ channel: String, _ payload: String) throws(DatabaseError) {
        try connection.notify(channel, payload)
    }

    /// Whether several processes share the tables.
    package var isShared: Bool { connection.isShared }

    /// What a `SELECT` ends with to lock its rows and leave out those that others have locked; empty on
    /// SQLite, where one writer runs at a time.
    package var skipLocked: String { connection.isShared ? " FOR UPDATE SKIP LOCKED" : "" }

    /// What a `SELECT` ends with to lock its rows, after waiting for those who have; empty on SQLite.
    package var forUpdate: String { connection.isShared ? " FOR UPDATE" : "" }

    /// Waits until no other node changes the tables, and lets statements take as long as that may need.
    func prepareMigration() throws(DatabaseError) {
        guard isShared else { return }
        try connection.allow(.seconds(600))
        _ = try rows("SELECT pg_advisory_xact_lock(?)", [.integer(DatabaseTransaction.migrationLock)])
    }

    /// Says "perigee": other programs may lock in the same database.
    private static let migrationLock: Int64 = 0x70_6572_6967_6565
}
