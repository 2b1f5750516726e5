extension SettingTable {
    static let databaseURL = Setting(
        "database.url", .text, nil, isSecret: true,
        "Where the database is: `postgres://user:password@host:5432/name`, with libpq's parameters such as "
            + "`?sslmode=verify-full`, and several hosts separated by commas. Without it, a file of the "
            + "shared home, for one node.")
    static let databasePoolSize = Setting(
        "database.pool.max-size", .integer(1...500), "8",
        "How many connections to PostgreSQL do transactions; one more listens.")
    static let databaseStatementTimeout = Setting(
        "database.statement-timeout", .seconds(1...600), "5",
        "How long PostgreSQL may work on one statement.")
    static let databaseConnectTimeout = Setting(
        "database.connect-timeout", .seconds(1...60), "5",
        "How long making a connection to PostgreSQL may take, and how long a lost server is waited for.")
    static let jdbcDriver = Setting(
        "jdbc.driver", .choice(["org.postgresql.Driver"]), nil,
        "For configurations of Bitbucket Server; may be left out.")
    static let jdbcURL = Setting(
        "jdbc.url", .text, nil, isSecret: true,
        "As `database.url`, in the form `jdbc:postgresql://host:5432/name`.")
    static let jdbcUser = Setting("jdbc.user", .text, nil, "The user of `jdbc.url` or `database.url`.")
    static let jdbcPassword = Setting("jdbc.password", .text, nil, isSecret: true, "Their password.")

    static let database = [
        databaseURL, databasePoolSize, databaseStatementTimeout, databaseConnectTimeout, jdbcDriver, jdbcURL,
        jdbcUser, jdbcPassword,
    ]
}
