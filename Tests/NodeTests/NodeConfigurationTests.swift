import Configuration
import Foundation
import Logging
import Testing

@testable import Node

@Suite struct NodeConfigurationTests {
    private let folder = FileManager.default.temporaryDirectory
        .appendingPathComponent("perigee-configuration-\(UUID().uuidString)")

    @Test func `without anything given the defaults hold`() throws {
        let configuration = try load("")
        #expect(configuration.server.port == 7990)
        #expect(configuration.server.tls == nil)
        #expect(configuration.logs.defaultLevel == .info)
        #expect(configuration.git.anonymousAccess)
        #expect(configuration.git.hostingTicketsMax == 24)
        #expect(configuration.git.pushBytesMax == nil)
        #expect(configuration.sysadmin.password == nil)
    }

    @Test func `every default in the table is of its own kind`() {
        for setting in SettingTable.settings {
            guard let text = setting.defaultText else { continue }
            #expect(setting.kind.content(of: text) != nil, "\(setting.name)")
        }
    }

    @Test func `the command line wins over the environment, and the environment over the file`() throws {
        let file = "server.port=1\nserver.idle-timeout=11\nsetup.displayName=File\n"
        let environment = [
            "PERIGEE_SERVER_PORT": "2", "PERIGEE_SERVER_IDLE_TIMEOUT": "22",
            "PERIGEE_HOOK_SECRET": "no setting",
            "PATH": "/bin",
        ]
        let configuration = try load(file, environment: environment, overrides: ["server.port=3"])
        #expect(configuration.server.port == 3)
        #expect(configuration.server.idleTimeout == .seconds(22))
        #expect(configuration.displayName == "File")
    }

    @Test func `the last of two equal keys holds, as scripts append to the file`() throws {
        #expect(try load("server.port=1\nserver.port=2\n").server.port == 2)
    }

    @Test func `humps vanish in the names of environment variables`() throws {
        #expect(
            try load("", environment: ["PERIGEE_SETUP_DISPLAYNAME": "Git here"]).displayName == "Git here")
    }

    @Test func `no two keys have the same environment variable`() {
        let names = SettingTable.settings.map(\.environmentName)
        #expect(Set(names).count == names.count)
    }

    @Test func `an unknown key names file and line and the nearest known key`() {
        expectError(
            "\n\nserver.prot=7991\n", contains: "perigee.properties:3", "\"server.prot\"", "\"server.port\"")
    }

    @Test func `an unknown environment variable names the nearest one`() {
        expectError(
            "", environment: ["PERIGEE_SERVER_PROT": "1"],
            contains: "PERIGEE_SERVER_PROT", "Did you mean \"PERIGEE_SERVER_PORT\"?")
    }

    @Test func `an unknown key on the command line says so`() {
        expectError("", overrides: ["server.adress=::1"], contains: "--property", "\"server.address\"")
    }

    @Test(arguments: [
        ("server.ssl.key", "server.ssl.certificate-private-key"), ("server.ssl", "server.ssl.enabled"),
        ("jdbc.uri", "jdbc.url"), ("logging.loger.perigee.git", "logging.logger.<name>"),
        ("plugin.memory.max", "plugins.memory.max"), ("x", "jdbc.url"),
    ])
    func `a key that resembles none much is refused with the nearest one all the same`(
        key: String, nearest: String
    ) {
        expectError("\(key)=x\n", contains: "unknown key \"\(key)\"", "\"\(nearest)\"")
    }

    @Test func `an unknown key that is far from all is told where all are`() {
        expectError(
            "server.ssl.key=x\n",
            contains: "The nearest known key is \"server.ssl.certificate-private-key\"",
            "docs/operating.md lists all.")
        expectError(
            "", environment: ["PERIGEE_SERVER_SSL_KEY": "x"],
            contains: "\"PERIGEE_SERVER_SSL_CERTIFICATE_PRIVATE_KEY\"", "docs/operating.md lists all.")
    }

    @Test(arguments: [
        ("server.port=http", "an integer from 0 to 65535"),
        ("server.port=65536", "an integer from 0 to 65535"),
        ("server.port=99999999999999999999", "an integer from 0 to 65535"),
        ("server.ssl.enabled=yes", "true or false"), ("receive.max-size=10 MB", "a number of bytes"),
        ("receive.max-size=99999999999G", "a number of bytes"), ("receive.max-size=-1", "a number of bytes"),
        ("logging.logger.perigee=LOUD", "DEBUG"), ("setup.baseUrl=git.example.org", "begins with http://"),
        ("application.mode=mirrored", "`default`"), ("plugins.dir=", "a path"),
        ("plugin.mirroring.fetch.transport=rsync", "`https`"),
    ])
    func `a value of the wrong kind says what is expected`(line: String, expected: String) {
        expectError("\(line)\n", contains: "perigee.properties:1", expected)
    }

    @Test(arguments: [nil, "https", "ssh"])
    func `a mirror fetches over HTTPS unless it is told otherwise`(transport: String?) throws {
        let mirror =
            "application.mode=mirror\nsetup.baseUrl=http://m\nplugin.mirroring.upstream.url=http://p\n"
        let line = transport.map { "plugin.mirroring.fetch.transport=\($0)\n" } ?? ""
        #expect(try load(mirror + line).mirror?.fetchesBySSH == (transport == "ssh"))
        let url = "plugin.mirroring.fetch.ssh.url="
        #expect(try load(mirror + url + "ssh://git.example.org:7999\n").mirror?.sshURL != nil)
        for wrong in ["git.example.org:7999", "https://git.example.org", "ssh://", "ssh://-x", "ssh://a b"] {
            expectError(mirror + url + wrong + "\n", contains: "plugin.mirroring.fetch.ssh.url", "ssh://git.")
        }
    }

    @Test(arguments: ["database.url=postgres://db/perigee", "jdbc.url=jdbc:postgresql://db/perigee"])
    func `a mirror takes no database but its own`(line: String) {
        let mirror =
            "application.mode=mirror\nsetup.baseUrl=http://m\nplugin.mirroring.upstream.url=http://p\n"
        expectError(
            "\(mirror)\(line)\n",
            contains: "a mirror keeps its database in its own home", "Remove the keys of the database.")
    }

    @Test func `sizes take K, M and G`() throws {
        #expect(try load("receive.max-size=2G").git.pushBytesMax == 2 << 30)
        #expect(try load("receive.max-size=512k").git.pushBytesMax == 512 << 10)
        #expect(try load("receive.max-size=7").git.pushBytesMax == 7)
    }

    @Test func `any logger's level can be set, from file and environment`() throws {
        let levels = try load(
            "logging.logger.perigee.git=DEBUG\nlogging.logger.ROOT=warn\n",
            environment: ["PERIGEE_LOGGING_LOGGER_PERIGEE_PLUGIN": "trace"]
        ).logs.levels
        #expect(levels == ["perigee.git": .debug, "ROOT": .warning, "perigee.plugin": .trace])
    }

    @Test func `TLS without both files is refused`() {
        expectError(
            "server.ssl.enabled=true\nserver.ssl.certificate=tls.pem\n", contains: "certificate-private-key")
    }

    @Test func `relative paths count from the home`() throws {
        let tls = try load(
            "server.ssl.enabled=true\nserver.ssl.certificate=tls.pem\n"
                + "server.ssl.certificate-private-key=/etc/tls.key\n"
        ).server.tls
        #expect(tls?.certificate == "/home-of-node/tls.pem")
        #expect(tls?.privateKey == "/etc/tls.key")
    }

    @Test func `a --property without an equals sign is refused`() {
        expectError("", overrides: ["server.port"], contains: "--property \"server.port\" has no \"=\"")
    }

    @Test func `a secret of the wrong kind is not shown`() throws {
        let entry = SettingEntry(key: "setup.sysadmin.password", text: "s3cret", source: .commandLine)
        let provider = SettingsProvider(name: "test", entries: [entry])
        #expect { try provider.value(forKey: ["setup", "sysadmin", "password"], type: .int) } throws: {
            !"\($0)".contains("s3cret") && "\($0)".contains("setup.sysadmin.password")
        }
    }

    @Test func `a broken file names file and line`() {
        expectError("a=\\uzzzz\n", contains: "perigee.properties:1", "\\u")
    }

    private func load(
        _ text: String, environment: [String: String] = [:], overrides: [String] = []
    ) throws -> NodeConfiguration {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent("perigee.properties")
        try Data(text.utf8).write(to: file)
        return try NodeConfiguration.load(
            home: "/home-of-node", propertiesFile: file.path, environment: environment, overrides: overrides,
            processors: 4)
    }

    private func expectError(
        _ text: String, environment: [String: String] = [:], overrides: [String] = [],
        contains parts: String...,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        do {
            _ = try load(text, environment: environment, overrides: overrides)
            Issue.record("nothing was thrown", sourceLocation: sourceLocation)
        } catch {
            for part in parts {
                #expect("\(error)".contains(part), sourceLocation: sourceLocation)
            }
        }
    }
}
