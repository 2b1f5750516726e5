import Foundation
import NodeTestKit
import SharedDatabase
import Testing

@testable import Node

/// Where the configuration says that the database is.
@Suite struct DatabaseSettingTests {
    @Test func `without a URL the database is a file`() throws {
        #expect(try load("").database == nil)
    }

    @Test func `a URL goes to libpq as it is, with its own limits`() throws {
        let text = "database.url=postgres://u@a,b/n?sslmode=require\ndatabase.pool.max-size=3\n"
        let settings = try #require(try load(text + "database.statement-timeout=9\n").database)
        #expect(settings.url == "postgres://u@a,b/n?sslmode=require")
        #expect(settings.poolSize == 3)
        #expect(settings.statementTimeout == .seconds(9))
        #expect(settings.lockTimeout < settings.statementTimeout)
    }

    @Test(arguments: [
        ("jdbc:postgresql://db:5432/git", "postgres://db:5432/git"),
        (
            "jdbc:postgresql://a:1,b:2/git?targetServerType=primary",
            "postgres://a:1,b:2/git?target_session_attrs=read-write"
        ),
        (
            "jdbc:postgresql://db/git?sslmode=verify-full&connectTimeout=3",
            "postgres://db/git?sslmode=verify-full"
        ),
        (
            "jdbc:postgresql://db/git?ssl=true&ApplicationName=x",
            "postgres://db/git?sslmode=verify-full&application_name=x"
        ),
    ])
    func `the original's URL is understood`(original: String, url: String) throws {
        let text =
            "jdbc.driver=org.postgresql.Driver\njdbc.url=\(original)\njdbc.user=bb\njdbc.password=secret\n"
        let settings = try #require(try load(text).database)
        #expect(settings.url == url)
        #expect(settings.user == "bb")
        #expect(settings.password == "secret")
    }

    @Test(arguments: [
        "database.url=mysql://db/git", "jdbc.url=jdbc:oracle:thin:@db", "jdbc.user=bb",
        "jdbc.url=jdbc:postgresql://db/git?socketFactory=x", "jdbc.driver=com.mysql.Driver",
        "database.url=postgres://a/b\njdbc.url=jdbc:postgresql://a/b", "database.pool.max-size=0",
    ])
    func `what cannot be meant is refused`(text: String) {
        #expect(throws: ConfigurationError.self) { try load(text) }
    }

    private func load(_ text: String) throws -> NodeConfiguration {
        let folder = try TemporaryDirectory("configuration")
        let file = try folder.write(text, to: "perigee.properties")
        return try NodeConfiguration.load(
            home: "/home-of-node", propertiesFile: file, environment: [:], overrides: [], processors: 4)
    }
}
