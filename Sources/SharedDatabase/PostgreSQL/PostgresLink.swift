import CPostgres
import Glibc

/// One connection. It is used by one thread at a time, and by none after an error that broke it.
///
/// Everything goes in libpq's pipeline mode: statements are queued, and one flush sends them together.
final class PostgresLink {
    /// The server's name for a text with parameters of certain types.
    private struct Key: Hashable {
        let sql: String
        let types: [UInt32]
    }

    /// More texts than this program has; whatever comes beyond is prepared each time.
    private static let preparedMax = 1000

    private let connection: OpaquePointer
    private let texts: PostgresTexts
    private var prepared: [Key: String] = [:]
    private var namesGiven = 0
    /// What is queued or sent and not yet answered: commands whose answers are wanted or not, and syncs.
    private var pending: [Pending] = []
    private(set) var isBroken = false

    private enum Pending {
        case wanted, unwanted, sync
        case preparing(Key)
    }

    /// Takes a finished connection over.
    init(_ connection: OpaquePointer, texts: PostgresTexts) throws(PostgresError) {
        self.connection = connection
        self.texts = texts
        guard PQsetnonblocking(connection, 1) == 0, PQenterPipelineMode(connection) == 1 else {
            throw broken()
        }
    }

    deinit { PQfinish(connection) }

    /// Whether the server takes no changes, as it reports with each change of that.
    var isReadOnly: Bool {
        parameter("in_hot_standby") == "on" || parameter("default_transaction_read_only") == "on"
    }

    private func parameter(_ name: String) -> String? {
        PQparameterStatus(connection, name).map { String(cString: $0) }
    }

    /// How many parameters a statement has.
    func parameterCount(of sql: String) -> Int { texts.statement(sql).parameterCount }

    var descriptor: Int32 { PQsocket(connection) }

    /// Queues a statement.
    /// - Parameter isWanted: Whether ``receive(within:)`` gives its answer; an error of it is always told.
    func send(_ sql: String, _ parameters: [PostgresParameter] = [], isWanted: Bool) throws(PostgresError) {
        let statement = texts.statement(sql)
        guard statement.isRepeated, prepared.count < PostgresLink.preparedMax else {
            try call(parameters) { count, types, values, lengths, formats in
                PQsendQueryParams(connection, statement.text, count, types, values, lengths, formats, 1)
            }
            return pending.append(isWanted ? .wanted : .unwanted)
        }
        let key = Key(sql: sql, types: parameters.map(\.type))
        let name = if let known = prepared[key] { known } else { try prepare(statement, as: key) }
        try call(parameters) { count, _, values, lengths, formats in
            PQsendQueryPrepared(connection, name, count, values, lengths, formats, 1)
        }
        pending.append(isWanted ? .wanted : .unwanted)
    }

    /// Queues a text to be kept by the server; forgotten again when that refuses it.
    private func prepare(_ statement: PostgresStatement, as key: Key) throws(PostgresError) -> String {
        namesGiven += 1
        let name = "p\(namesGiven)"
        guard PQsendPrepare(connection, name, statement.text, Int32(key.types.count), key.types) == 1 else {
            throw broken()
        }
        pending.append(.preparing(key))
        prepared[key] = name
        return name
    }

    /// Ends what an error leaves out, and sends all that is queued without waiting for answers.
    func flush() throws(PostgresError) {
        guard PQpipelineSync(connection) == 1 else { throw broken() }
        pending.append(.sync)
        guard PQflush(connection) >= 0 else { throw broken() }
    }

    /// Sends all that is queued and waits for its answers, also for those still owed from before.
    /// - Returns: The wanted answers.
    /// - Throws: The first refusal, once everything is read; ``PostgresError/broken(reason:)``.
    func receive(within time: Duration) throws(PostgresError) -> [PostgresResult] {
        try flush()
        let deadline = ContinuousClock.now + time
        var results: [PostgresResult] = []
        var refusal: PostgresRefusal?
        var silences = 0
        while let next = pending.first {
            try wait(until: deadline)
            guard let raw = PQgetResult(connection) else {
                // One of these ends each command's answers.
                silences += 1
                guard silences < 3 else { throw broken() }
                continue
            }
            silences = 0
            let result = PostgresResult(raw)
            if let error = result.refusal, refusal == nil { refusal = error }
            let isSync = result.status == PGRES_PIPELINE_SYNC
            switch next {
            case .sync: guard isSync || PQstatus(connection) == CONNECTION_BAD else { continue }
            case .wanted: results.append(result)
            case .unwanted: break
            case .preparing(let key): if result.status != PGRES_COMMAND_OK { prepared[key] = nil }
            }
            guard PQstatus(connection) == CONNECTION_OK else { throw broken() }
            pending.removeFirst()
        }
        if let refusal { throw .refused(refusal) }
        return results
    }

    /// Notifications that have come in.
    func notifications() -> [(channel: String, payload: String)] {
        var notifications: [(String, String)] = []
        while let notification = PQnotifies(connection) {
            notifications.append(
                (
                    String(cString: notification.pointee.relname),
                    String(cString: notification.pointee.extra)
                ))
            PQfreemem(notification)
        }
        return notifications
    }

    /// Reads what the system has for this connection.
    func consume() throws(PostgresError) {
        guard PQconsumeInput(connection) == 1 else { throw broken() }
    }

    /// Marks it as not to be used again.
    func abandon() { isBroken = true }

    private func wait(until deadline: ContinuousClock.Instant) throws(PostgresError) {
        while PQisBusy(connection) == 1 {
            let unsent = PQflush(connection)
            guard unsent >= 0 else { throw broken() }
            let events = Int16(POLLIN) | (unsent == 1 ? Int16(POLLOUT) : 0)
            guard try poll(events, until: deadline) else {
                isBroken = true
                throw .silent
            }
            guard PQconsumeInput(connection) == 1 else { throw broken() }
        }
    }

    private func poll(_ events: Int16, until deadline: ContinuousClock.Instant) throws(PostgresError) -> Bool
    {
        let descriptor = PQsocket(connection)
        guard descriptor >= 0 else { throw broken() }
        return SystemPoll.wait(for: descriptor, events, until: deadline)
    }

    private func broken(_ reason: String? = nil) -> PostgresError {
        isBroken = true
        let message = String(cString: PQerrorMessage(connection)).trimmed
        return .broken(reason: reason ?? (message.isEmpty ? "the connection is lost" : message))
    }

    private typealias Sender = (
        Int32, UnsafePointer<UInt32>?, UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int32>?,
        UnsafePointer<Int32>?
    ) -> Int32

    /// Lends the parameters as libpq wants them: beginnings, lengths, and that all are binary.
    private func call(_ parameters: [PostgresParameter], _ send: Sender) throws(PostgresError) {
        let types = parameters.map(\.type)
        let lengths = parameters.map { Int32(clamping: $0.bytes?.count ?? 0) }
        let formats = [Int32](repeating: 1, count: parameters.count)
        // An empty value still needs a beginning, or it would be NULL.
        var all: [UInt8] = []
        for parameter in parameters { all += parameter.bytes ?? [] }
        all.append(0)
        let isSent = all.withUnsafeBytes { buffer in
            let base = buffer.bindMemory(to: CChar.self).baseAddress
            var offset = 0
            var values: [UnsafePointer<CChar>?] = []
            for parameter in parameters {
                values.append(parameter.bytes == nil ? nil : base.map { $0 + offset })
                offset += parameter.bytes?.count ?? 0
            }
            return send(Int32(parameters.count), types, values, lengths, formats)
        }
        guard isSent == 1 else { throw broken() }
    }
}
