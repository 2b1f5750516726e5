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

    /// Runs a query and copies all its rows; limit what you ask for.
    /// - Throws: ``DatabaseError``.
    package func rows(_ sql: String, _ arguments: [DatabaseValue] = []) throws(DatabaseError) -> [DatabaseRow]
    {
        try connection.rows(sql, arguments, limit: nil)
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
}
