/// One connection of the pool with the thread that it belongs to: made when it is needed, made again when it
/// is lost.
final class PostgresLane {
    private let connector: PostgresConnector
    private let health: PostgresHealth
    private var link: PostgresLink?

    /// How often a transaction is begun anew that others have undone.
    private static let attemptsMax = 4

    init(_ connector: PostgresConnector, health: PostgresHealth) {
        self.connector = connector
        self.health = health
    }

    /// Runs a transaction to its end: again when another one undid it, and once on a new connection when the
    /// old one turns out to be lost before the commit was sent, which means that nothing has happened.
    /// - Parameter visible: Called once a write is committed and before it is on disk, which is then waited
    ///   for.
    func transact<V>(
        _ kind: PostgresTransaction.Kind, visible: ((V) -> Void)? = nil,
        _ body: (DatabaseTransaction) throws -> V
    ) throws -> V {
        var attempts = 0
        var isNewConnection = false
        while true {
            attempts += 1
            let link = try connected(for: kind)
            let transaction = PostgresTransaction(link, kind, answerTime: answerTime)
            do {
                let value = try body(DatabaseTransaction(transaction))
                try transaction.commit()
                health.noteAnswer(isReadOnly: link.isReadOnly)
                if let visible {
                    visible(value)
                    try transaction.persist()
                }
                return value
            } catch {
                transaction.rollBack()
                switch transaction.failure?.remedy {
                case .again where attempts < PostgresLane.attemptsMax:
                    SystemThread.pause(.milliseconds(Int64.random(in: 1...(10 << attempts))))
                case .againOnNewConnection where !isNewConnection:
                    self.link = nil
                    isNewConnection = true
                case .readOnly:
                    health.noteAnswer(isReadOnly: true)
                    self.link = nil
                    throw error
                default:
                    if case .silent = transaction.failure {
                        health.noteFailure(reason: "the server does not answer")
                    }
                    throw error
                }
            }
        }
    }

    private var answerTime: Duration {
        connector.settings.statementTimeout + connector.settings.answerGrace
    }

    private func connected(for kind: PostgresTransaction.Kind) throws(DatabaseError) -> PostgresLink {
        if link?.isBroken == true { link = nil }
        if let link {
            guard case .write = kind, link.isReadOnly else { return link }
            guard health.mayLookForWriter() else {
                throw .unavailable(reason: DatabaseError.readOnlyReason)
            }
            self.link = nil
        }
        let made = try connect(until: ContinuousClock.now + connector.settings.connectTimeout)
        link = made
        if case .write = kind, made.isReadOnly { throw .unavailable(reason: DatabaseError.readOnlyReason) }
        return made
    }

    private func connect(until deadline: ContinuousClock.Instant) throws(DatabaseError) -> PostgresLink {
        var backoff = Backoff(first: .milliseconds(20), longest: .milliseconds(500))
        while true {
            var reason = "the server does not answer"
            switch health.permit() {
            case .refuse(let why): throw .unavailable(reason: why)
            case .wait:
                // What the last attempt, whoever made it, has ended with.
                if case .unreachable(_, let why) = health.current { reason = why }
            case .attempt:
                do {
                    let link = try connector.connect()
                    health.noteAnswer(isReadOnly: link.isReadOnly)
                    return link
                } catch {
                    if case .unavailable(let why) = error.databaseError(sql: nil) { reason = why }
                    health.noteFailure(reason: reason)
                }
            }
            let pause = backoff.next()
            guard ContinuousClock.now + pause < deadline else { throw .unavailable(reason: reason) }
            SystemThread.pause(pause)
        }
    }
}
