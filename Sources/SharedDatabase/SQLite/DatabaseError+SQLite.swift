import GRDB
import Glibc

extension DatabaseError {
    /// Puts an error of the SQLite library into this program's words; its own errors stay as they are.
    init(_ error: any Error, path: String, sql: String? = nil) {
        switch error {
        case let error as DatabaseError: self = error
        case let error as GRDB.DatabaseError: self.init(error, path: path, sql: sql)
        default: self = .statement(message: "\(error)", sql: sql)
        }
    }

    private init(_ error: GRDB.DatabaseError, path: String, sql: String?) {
        let message = error.message ?? "SQLite error \(error.extendedResultCode.rawValue)"
        switch error.extendedResultCode {
        case .SQLITE_CONSTRAINT_UNIQUE, .SQLITE_CONSTRAINT_PRIMARYKEY, .SQLITE_CONSTRAINT_ROWID:
            self = .constraint(kind: .unique, detail: DatabaseError.detail(message))
            return
        case .SQLITE_CONSTRAINT_FOREIGNKEY:
            self = .constraint(kind: .foreignKey, detail: DatabaseError.detail(message))
            return
        case .SQLITE_CONSTRAINT_NOTNULL:
            self = .constraint(kind: .notNull, detail: DatabaseError.detail(message))
            return
        case .SQLITE_CONSTRAINT_CHECK:
            self = .constraint(kind: .check, detail: DatabaseError.detail(message))
            return
        default: break
        }
        switch error.resultCode {
        case .SQLITE_BUSY, .SQLITE_LOCKED: self = .busy
        case .SQLITE_FULL: self = .full
        case .SQLITE_IOERR:
            // A quota, or room for the shared-memory file, is reported as an input/output error.
            self = DatabaseError.isDiskFull(at: path) ? .full : .unavailable(reason: message)
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: self = .corrupt(path: path, reason: message)
        case .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_READONLY, .SQLITE_AUTH, .SQLITE_NOMEM, .SQLITE_PROTOCOL:
            self = .unavailable(reason: "\(message) (\"\(path)\")")
        default: self = .statement(message: message, sql: sql)
        }
    }

    /// `UNIQUE constraint failed: users.name` without the words that the kind says already.
    private static func detail(_ message: String) -> String {
        guard let colon = message.firstIndex(of: ":") else { return message }
        return String(message[message.index(after: colon)...].drop(while: \.isWhitespace))
    }

    private static func isDiskFull(at path: String) -> Bool {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return false }
        return status.f_bavail == 0 || (status.f_files > 0 && status.f_favail == 0)
    }
}
