import CPostgres
import Glibc

/// Makes connections that are set up alike.
struct PostgresConnector: Sendable {
    let settings: PostgresSettings
    let texts = PostgresTexts()

    /// Whether libpq understands the URL.
    func check() throws(DatabaseError) {
        guard settings.url.hasPrefix("postgres://") || settings.url.hasPrefix("postgresql://") else {
            throw .unavailable(reason: "its URL does not begin with postgres://")
        }
        var message: UnsafeMutablePointer<CChar>?
        let options = PQconninfoParse(settings.url, &message)
        PQconninfoFree(options)
        guard let message else { return }
        defer { PQfreemem(message) }
        // The message may quote the URL, and with it a password.
        guard options != nil else { throw .unavailable(reason: "its URL cannot be read") }
    }

    /// Connects and sets the session up. Blocks for as long as a connection may take.
    func connect() throws(PostgresError) -> PostgresLink {
        guard let connection = open() else { throw .broken(reason: "out of memory") }
        do throws(PostgresError) {
            guard PQstatus(connection) == CONNECTION_OK else {
                throw PostgresError.broken(reason: String(cString: PQerrorMessage(connection)).trimmed)
            }
            try check(connection)
        } catch {
            PQfinish(connection)
            throw error
        }
        PQsetNoticeProcessor(connection, { _, _ in }, nil)
        let link = try PostgresLink(connection, texts: texts)
        try link.send(setup, isWanted: false)
        _ = try link.receive(within: settings.connectTimeout)
        return link
    }

    private func open() -> OpaquePointer? {
        let hosts = 1 + settings.url.prefix { $0 != "?" }.count { $0 == "," }
        // Each host has its share of the time; less than 2 s is not possible.
        let seconds = max(2, (settings.connectTimeout / hosts).components.seconds)
        // What comes later wins: ours, the URL's, and what cannot be otherwise.
        var options: [(String, String)] = [
            ("application_name", "perigee"), ("keepalives", "1"), ("keepalives_idle", "5"),
            ("keepalives_interval", "2"), ("keepalives_count", "3"),
            ("tcp_user_timeout", "\(settings.networkTimeout.milliseconds)"),
            ("connect_timeout", "\(seconds)"),
        ]
        if hosts > 1 { options.append(("target_session_attrs", "read-write")) }
        options.append(("dbname", settings.url))
        if let user = settings.user { options.append(("user", user)) }
        if let password = settings.password { options.append(("password", password)) }
        options.append(("client_encoding", "UTF8"))
        var names: [UnsafePointer<CChar>?] = options.map { UnsafePointer(strdup($0.0)) } + [nil]
        var values: [UnsafePointer<CChar>?] = options.map { UnsafePointer(strdup($0.1)) } + [nil]
        defer { for text in names + values { free(UnsafeMutablePointer(mutating: text)) } }
        return PQconnectdbParams(&names, &values, 1)
    }

    private func check(_ connection: OpaquePointer) throws(PostgresError) {
        let version = PQserverVersion(connection)
        guard version >= 140_000 else {
            throw .broken(reason: "it is PostgreSQL \(version / 10_000), and 14 or newer is needed")
        }
        let encoding = PQparameterStatus(connection, "server_encoding").map { String(cString: $0) }
        guard encoding == "UTF8" else {
            throw .broken(reason: "its encoding is \(encoding ?? "unknown"), and UTF8 is needed")
        }
    }

    private var setup: String {
        let values: [(String, Duration)] = [
            ("statement_timeout", settings.statementTimeout), ("lock_timeout", settings.lockTimeout),
            ("idle_in_transaction_session_timeout", settings.idleTransactionTimeout),
            // So that the server gives up soon what a client that is cut off has locked.
            ("tcp_user_timeout", .seconds(10)),
        ]
        let times = values.map { "set_config('\($0)', '\($1.milliseconds)', false)" }
        let keepalives = ["tcp_keepalives_idle": 5, "tcp_keepalives_interval": 2, "tcp_keepalives_count": 3]
            .sorted { $0.key < $1.key }.map { "set_config('\($0)', '\($1)', false)" }
        return "SELECT " + (times + keepalives).joined(separator: ", ")
    }
}
