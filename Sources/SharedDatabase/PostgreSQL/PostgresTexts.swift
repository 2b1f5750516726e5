import Synchronization

/// The texts of all statements, translated once each.
final class PostgresTexts: Sendable {
    private let statements = Mutex<[String: PostgresStatement]>([:])

    func statement(_ sql: String) -> PostgresStatement {
        if let known = statements.withLock({ $0[sql] }) { return known }
        let statement = PostgresStatement(sql)
        statements.withLock { statements in
            // Only a program that builds texts out of values would ever get here.
            if statements.count >= 4096 { statements.removeAll() }
            statements[sql] = statement
        }
        return statement
    }
}
