/// Why a database was not moved.
package enum DatabaseMoveError: Error, Hashable, CustomStringConvertible {
    /// The target has tables.
    case notEmpty(tables: [String])
    /// A row was not taken, or is not equal in the copy.
    case row(table: String, key: String, reason: String)
    /// A table without a primary key, or a ring of tables that refer to each other.
    case table(name: String, reason: String)

    package var description: String {
        switch self {
        case .notEmpty(let tables):
            "the target database is not empty: it has \(tables.count) tables, such as \(tables.first ?? ""). "
                + "Make a new one"
        case .row(let table, let key, let reason): "table \(table), row \(key): \(reason)"
        case .table(let name, let reason): "table \(name): \(reason)"
        }
    }
}
