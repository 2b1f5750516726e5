/// Why a connection did not do what it was asked for.
enum PostgresError: Error {
    /// The server refused a statement.
    case refused(PostgresRefusal)
    /// The connection is lost, or was never made.
    case broken(reason: String)
    /// No answer came in time; the connection is given up.
    case silent

    /// What a transaction is to do about it.
    var remedy: PostgresRefusal.Remedy {
        switch self {
        case .refused(let refusal): refusal.remedy
        case .broken: .againOnNewConnection
        case .silent: .none
        }
    }

    /// Whether no answer came.
    var isSilence: Bool { if case .silent = self { true } else { false } }

    /// In the words of both engines.
    func databaseError(sql: String?) -> DatabaseError {
        switch self {
        case .refused(let refusal): refusal.databaseError(sql: sql)
        case .broken(let reason): .unavailable(reason: reason)
        case .silent: .unavailable(reason: "the server does not answer")
        }
    }
}

/// A server's error message.
struct PostgresRefusal: Sendable {
    var state: String
    var message: String
    var detail: String?
    var table: String?
    var column: String?
    var constraint: String?

    /// What a transaction is to do about it.
    var remedy: Remedy {
        switch state {
        // Deadlock and serialisation failure; a plan whose tables another node's migration has changed.
        case "40001", "40P01": .again
        case "0A000" where message.contains("cached plan"): .againOnNewConnection
        // Ended by an administrator, by a shutdown, by a crash of another session, or by being idle for too
        // long.
        case "57P01", "57P02", "57P03", "57P05", "25P03": .againOnNewConnection
        case "25006": .readOnly
        default: state.hasPrefix("08") ? .againOnNewConnection : .none
        }
    }

    enum Remedy { case none, again, againOnNewConnection, readOnly }

    /// - Source: PostgreSQL 15 documentation, appendix A, "PostgreSQL Error Codes".
    func databaseError(sql: String?) -> DatabaseError {
        switch state {
        case "23505": .constraint(kind: .unique, detail: place(orConstraint: true))
        case "23503": .constraint(kind: .foreignKey, detail: place(orConstraint: true))
        case "23502": .constraint(kind: .notNull, detail: place(orConstraint: false))
        case "23514", "23P01": .constraint(kind: .check, detail: place(orConstraint: true))
        case "40001", "40P01", "55P03", "57014": .busy
        // Out of disk, memory or a limit of the configuration.
        case "53100": .full
        case "25006": .unavailable(reason: DatabaseError.readOnlyReason)
        case "25P03", "57P01", "57P02", "57P03", "57P05": .unavailable(reason: message)
        default:
            ["08", "53", "58", "28", "3D"].contains(String(state.prefix(2)))
                ? .unavailable(reason: message) : .statement(message: "\(message) (\(state))", sql: sql)
        }
    }

    private func place(orConstraint: Bool) -> String {
        switch (table, column, constraint) {
        case (let table?, let column?, _): "\(table).\(column)"
        case (let table?, nil, let constraint?) where orConstraint: "\(table) (\(constraint))"
        default: message
        }
    }
}

extension DatabaseError {
    /// The reason of ``DatabaseError/unavailable(reason:)`` when a server takes no changes.
    static let readOnlyReason = "it takes no changes at present (read-only)"
    /// The reason after a close.
    static let closed = DatabaseError.unavailable(reason: "it is closed")
}
