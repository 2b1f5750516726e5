import SharedDatabase

extension NodeConfiguration {
    /// How PostgreSQL is reached; `nil` for the file of the shared home.
    static func database(_ values: SettingValues) throws -> PostgresSettings? {
        let given = try values.optionalString(SettingTable.databaseURL)
        let original = try values.optionalString(SettingTable.jdbcURL)
        let url: String
        switch (given, original) {
        case (nil, nil):
            guard try values.optionalString(SettingTable.jdbcUser) == nil else {
                throw ConfigurationError.inconsistent(
                    "jdbc.user is set, and neither database.url nor jdbc.url. Set one of them.")
            }
            return nil
        case (_?, _?):
            throw ConfigurationError.inconsistent(
                "database.url and jdbc.url are both set. Remove one of them.")
        case (let given?, nil): url = try checked(given)
        case (nil, let original?): url = try translated(original)
        }
        var settings = PostgresSettings(
            url: url, user: try values.optionalString(SettingTable.jdbcUser),
            password: try values.optionalString(SettingTable.jdbcPassword))
        settings.poolSize = try values.int(SettingTable.databasePoolSize)
        settings.statementTimeout = try values.seconds(SettingTable.databaseStatementTimeout)
        // A wait for a lock ends with its own error, before the statement is ended for its length.
        settings.lockTimeout = settings.statementTimeout - .milliseconds(500)
        // A node that hangs in the middle of a transaction keeps rows locked that others need once its lease
        // is over; no transaction waits for anything but the database.
        settings.idleTransactionTimeout = min(
            settings.idleTransactionTimeout, try values.seconds(SettingTable.clusterLease) / 2)
        settings.connectTimeout = try values.seconds(SettingTable.databaseConnectTimeout)
        return settings
    }

    private static func checked(_ url: String) throws -> String {
        guard url.hasPrefix("postgres://") || url.hasPrefix("postgresql://") else {
            throw ConfigurationError.inconsistent(
                "database.url does not begin with postgres://. PostgreSQL is the only server that is "
                    + "supported."
            )
        }
        return url
    }

    /// The URL of the original's driver in libpq's words.
    private static func translated(_ original: String) throws -> String {
        let prefix = "jdbc:postgresql://"
        guard original.hasPrefix(prefix) else {
            throw ConfigurationError.inconsistent(
                "jdbc.url does not begin with \(prefix). PostgreSQL is the only server that is supported.")
        }
        let parts = original.dropFirst(prefix.count).split(separator: "?", maxSplits: 1)
        let parameters = (parts.count > 1 ? parts[1] : "").split(separator: "&")
        let query = try parameters.compactMap { try translatedParameter(String($0)) }
        return "postgres://" + (parts.first ?? "") + (query.isEmpty ? "" : "?" + query.joined(separator: "&"))
    }

    private static func translatedParameter(_ parameter: String) throws -> String? {
        switch parameter {
        case "targetServerType=primary", "targetServerType=master": return "target_session_attrs=read-write"
        case "targetServerType=any": return nil
        case "ssl=true": return "sslmode=verify-full"
        case "ssl=false": return "sslmode=prefer"
        default: break
        }
        let name = String(parameter.prefix { $0 != "=" })
        let same = ["user", "password", "sslmode", "sslcert", "sslkey", "sslrootcert", "sslpassword"]
        if same.contains(name) { return parameter }
        if name == "ApplicationName" { return "application_name" + parameter.dropFirst(name.count) }
        if ["tcpKeepAlive", "connectTimeout", "socketTimeout", "loginTimeout", "prepareThreshold"].contains(
            name)
        {
            return nil
        }
        throw ConfigurationError.inconsistent(
            "jdbc.url has the parameter \"\(name)\", which is not known here. Use database.url.")
    }
}
