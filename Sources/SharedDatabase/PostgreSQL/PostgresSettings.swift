/// How PostgreSQL is reached, and how long anything may take there.
package struct PostgresSettings: Sendable {
    /// Any form that libpq takes: `postgres://user:password@host:5432/name?sslmode=verify-full`, with several
    /// hosts for servers of which one takes changes.
    package var url: String
    /// Instead of the URL's, where it is given.
    package var user: String?
    /// Instead of the URL's, where it is given.
    package var password: String?
    /// How many connections do transactions; one more listens.
    package var poolSize = 8
    /// How long the server works on one statement.
    package var statementTimeout: Duration = .seconds(5)
    /// How long a statement waits for a lock of somebody else's.
    package var lockTimeout: Duration = .milliseconds(4500)
    /// After what time the server ends a transaction in which nothing happens.
    package var idleTransactionTimeout: Duration = .seconds(30)
    /// How long making a connection may take, and how long a transaction waits for one.
    package var connectTimeout: Duration = .seconds(5)
    /// How long sent bytes may go without an acknowledgement, which is how a silent network is noticed.
    package var networkTimeout: Duration = .milliseconds(4500)
    /// How much longer than the server's own limit an answer is waited for.
    package var answerGrace: Duration = .seconds(1)
    /// How often the listening connection asks whether it is still one, and how long it waits for the answer.
    package var listenInterval: Duration = .seconds(1)

    /// The settings with the defaults for all but the address.
    package init(url: String, user: String? = nil, password: String? = nil) {
        self.url = url
        self.user = user
        self.password = password
    }
}

extension Duration {
    /// Whole milliseconds, at least one.
    var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        guard !overflow else { return .max / 2 }
        return max(1, product.addingReportingOverflow(attoseconds / 1_000_000_000_000_000).partialValue)
    }
}
