/// What can go wrong with the database, in words that hold for either engine.
package enum DatabaseError: Error, Hashable, CustomStringConvertible {
    /// A row broke a rule of its table; `detail` names the columns or the rule.
    case constraint(kind: ConstraintKind, detail: String)
    /// Somebody else held the database for too long; the work may be tried again.
    case busy
    /// The disk that holds the database has no room left; nothing was changed.
    case full
    /// The database is closed, away, or may not be opened.
    case unavailable(reason: String)
    /// The connection was lost while a transaction was being committed: it happened or did not, and only a
    /// look at the rows tells which.
    case outcomeUnknown(reason: String)
    /// The database did not accept a statement: a mistake in this program.
    case statement(message: String, sql: String?)
    /// A result was read wrongly: a mistake in this program.
    case column(name: String, problem: String)
    /// The file is damaged or no database of this program's; it was left as it is.
    case corrupt(path: String, reason: String)
    /// A newer program has changed the tables; `names` are the migrations that this one does not know.
    case newerSchema(names: [String])

    /// Which rule a row broke.
    package enum ConstraintKind: String, Sendable {
        /// Two rows with the same key.
        case unique
        /// A row refers to one that is not there, or is still referred to.
        case foreignKey
        /// A condition on values.
        case check
        /// A value is missing.
        case notNull
    }

    /// The fact as a lower-case clause, with what to do where an operator can do something.
    package var description: String {
        switch self {
        case .constraint(let kind, let detail): "\(kind.rawValue) constraint broken: \(detail)"
        case .busy: "database is busy"
        case .full: "no room left on the disk that holds the database; free some space"
        case .unavailable(let reason): "database not available: \(reason)"
        case .outcomeUnknown(let reason):
            "connection to the database lost in a commit, whose outcome is unknown: \(reason)"
        case .statement(let message, let sql?): "\(message), in \"\(sql)\""
        case .statement(let message, nil): message
        case .column(let name, let problem): "column \"\(name)\" \(problem)"
        case .corrupt(let path, let reason):
            "database file \"\(path)\" cannot be used: \(reason). "
                + "It was left as it is; restore it from a backup"
        case .newerSchema(let names):
            "database was changed by a newer version of this program (\(names.joined(separator: ", "))); "
                + "start that version, or restore a backup made before the upgrade"
        }
    }
}
