import ClusterTestKit
import Foundation
import NodeTestKit
import SharedDatabase
import Testing

/// How connections to PostgreSQL are made: encrypted as the URL says, and with limits on every wait.
@Suite struct PostgresConnectionTests {
    @Test func `a connection is encrypted as the URL says, with the right certificate or none`() async throws
    {
        let server = try await ThrowawayPostgres.start()
        let folder = try TemporaryDirectory("tls")
        func url(_ mode: String, host: String = "127.0.0.1", authority: String = "authority") -> String {
            "postgres://perigee@\(host):\(server.port)/postgres?hostaddr=127.0.0.1&sslmode=\(mode)"
                + (mode == "require" ? "" : "&sslrootcert=\(folder.path)/\(authority).pem")
        }
        #expect(try await refusal(of: url("require")).contains("SSL"))

        try await makeCertificates(in: folder, for: server)
        for mode in ["require", "verify-ca", "verify-full"] {
            let facts = try await read(
                url(mode), "SELECT ssl::text AS t FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
            #expect(facts == "true", "\(mode)")
        }
        #expect(try await refusal(of: url("verify-full", authority: "other")).contains("certificate verify"))
        let misnamed = try await refusal(of: url("verify-full", host: "elsewhere.example"))
        #expect(misnamed.contains("elsewhere.example"), "\(misnamed)")
        #expect(try await refusal(of: url("verify-full", authority: "none")).contains("none.pem"))
        // What listens is encrypted as well.
        let database = try open(url("verify-full"))
        var signals = try await database.signals(of: ["a"]).makeAsyncIterator()
        try await database.notify("a", "heard")
        let heard = await signals.next()
        #expect(heard == .notification(channel: "a", payload: "heard"))
        let plain = try await read(
            url("require"),
            """
            SELECT count(*)::text AS t FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
            WHERE backend_type = 'client backend' AND NOT ssl
            """)
        #expect(plain == "0")
        await database.close()
    }

    @Test func `the server ends a statement that takes too long`() async throws {
        let server = try await ThrowawayPostgres.shared()
        var settings = PostgresSettings(url: server.url())
        settings.statementTimeout = .milliseconds(200)
        let database = try SharedDatabase.openPostgres(settings, logger: quiet)
        await #expect(throws: DatabaseError.busy) {
            try await database.read { try $0.rows("SELECT pg_sleep(600) -- of PostgresConnectionTests") }
        }
        let left = try await server.psql(
            """
            SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND state = 'active'
            AND query LIKE '%of PostgresConnectionTests%'
            """)
        #expect(left == "0")
        #expect(try await database.read { try $0.firstRow("SELECT 1 AS one")?.integer("one") } == 1)
        await database.close()
    }

    @Test func `both ends of a connection notice when the network is silent`() async throws {
        let server = try await ThrowawayPostgres.start()
        let database = try open(server.tcpURL())
        _ = try await database.signals(of: ["a"])
        let settings = [
            "tcp_keepalives_idle": "5", "tcp_keepalives_interval": "2", "tcp_keepalives_count": "3",
            "tcp_user_timeout": "10000", "statement_timeout": "5s", "lock_timeout": "4500ms",
            "idle_in_transaction_session_timeout": "30s",
        ]
        for (name, value) in settings {
            let found = try await database.read {
                try $0.firstRow("SELECT current_setting('\(name)') AS t")?.text("t")
            }
            #expect(found == value, "\(name)")
        }
        let sockets = Sockets.connected(to: server.port)
        #expect(sockets.count >= 2)
        for socket in sockets {
            #expect(Sockets.option(socket, SOL_SOCKET, SO_KEEPALIVE) == 1)
            #expect(Sockets.option(socket, Int32(IPPROTO_TCP), TCP_KEEPIDLE) == 5)
            #expect(Sockets.option(socket, Int32(IPPROTO_TCP), TCP_KEEPINTVL) == 2)
            #expect(Sockets.option(socket, Int32(IPPROTO_TCP), TCP_KEEPCNT) == 3)
            #expect(Sockets.option(socket, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT) == 4_500)
        }
        await database.close()
    }

    private func open(_ url: String) throws -> SharedDatabase {
        try SharedDatabase.openPostgres(PostgresSettings(url: url), logger: quiet)
    }

    private func read(_ url: String, _ sql: String) async throws -> String? {
        let database = try open(url)
        let text = try await database.read { try $0.firstRow(sql)?.text("t") }
        await database.close()
        return text
    }

    /// Why no connection can be made.
    private func refusal(of url: String) async throws -> String {
        var settings = PostgresSettings(url: url)
        settings.connectTimeout = .seconds(2)
        let database = try SharedDatabase.openPostgres(settings, logger: quiet)
        let error = await #expect(throws: DatabaseError.self) {
            try await database.read { try $0.rows("SELECT 1") }
        }
        await database.close()
        guard case .unavailable(let reason)? = error else {
            Issue.record("\(String(describing: error))")
            return ""
        }
        return reason
    }

    /// Gives the server a certificate for 127.0.0.1, and the folder the authority's and another one's.
    private func makeCertificates(in folder: TemporaryDirectory, for server: ThrowawayPostgres) async throws {
        let script = """
            set -e
            cd "$1"
            curve='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
            for name in authority other; do
                openssl req -x509 $curve -days 2 -subj "/CN=Test $name" -keyout $name.key -out $name.pem
            done
            openssl req $curve -subj /CN=server -keyout server.key -out request.pem
            echo 'subjectAltName=IP:127.0.0.1,DNS:127.0.0.1' > names
            openssl x509 -req -in request.pem -CA authority.pem -CAkey authority.key -CAcreateserial \
                -days 2 -extfile names -out server.crt
            chmod 600 server.key
            cp -p server.key server.crt "$2"
            """
        let made = try await ChildProcess.run(
            ["sh", "-c", script, "sh", folder.path, server.data], environment: Executable.environment)
        try #require(made.succeeded, "\(made.errors)")
        for name in ["server.key", "server.crt"] { try server.take("\(server.data)/\(name)") }
        try await server.psql("ALTER SYSTEM SET ssl = on")
        try await server.psql("SELECT pg_reload_conf()")
        try await waitUntil("a server with a certificate") { try await server.psql("SHOW ssl") == "on" }
    }
}

/// This process's own sockets.
private enum Sockets {
    /// Those whose other end is a TCP port.
    static func connected(to port: Int) -> [Int32] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        return names.compactMap { Int32($0) }.filter { descriptor in
            var address = sockaddr_in()
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let code = withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    getpeername(descriptor, $0, &length)
                }
            }
            return code == 0 && address.sin_family == sa_family_t(AF_INET)
                && Int(UInt16(bigEndian: address.sin_port)) == port
        }
    }

    static func option(_ socket: Int32, _ level: Int32, _ name: Int32) -> Int32? {
        var value: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(socket, level, name, &value, &length) == 0 ? value : nil
    }
}
