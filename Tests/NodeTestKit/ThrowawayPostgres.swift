import Foundation
import Synchronization

/// A PostgreSQL server of its own, in a folder of its own, which ends with the test process however that
/// ends.
///
/// PostgreSQL refuses to be run by root; under root it belongs to the user `postgres`.
package final class ThrowawayPostgres: Sendable {
    /// What a server is made for.
    package struct Options: Sendable {
        /// Whether commits reach the disk; where no promise about that is tested it costs only time.
        package var isDurable = false
        /// Lines of `postgresql.conf`.
        package var lines: [String] = []
        /// The folder of a standby's data, made by `pg_basebackup` from this server; `nil` makes a new one.
        package var standbyOf: ThrowawayPostgres?
        /// Whether it has a wall clock of its own, ``ThrowawayPostgres/clock``, that the test sets.
        package var hasOwnClock = false

        package init() {}
    }

    /// The folder that everything is in.
    package let folder: String
    /// The TCP port on the loopback address, and the number in the socket's name.
    package let port: Int
    /// The server's wall clock, where it was made with one of its own.
    package let clock: FakedClock?
    private let supervisor: Mutex<SpawnedChild?>

    /// The server that all tests of this process share: quick, and not durable.
    package static func shared() async throws -> ThrowawayPostgres { try await sharedServer.value }

    private static let sharedServer = Task { try await ThrowawayPostgres.start() }

    /// Makes a server and starts it.
    package static func start(_ options: Options = Options()) async throws -> ThrowawayPostgres {
        let server = try ThrowawayPostgres(options)
        try await server.make(options)
        try await server.start()
        return server
    }

    private init(_ options: Options) throws {
        var template = Array("/tmp/perigee-pg-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw TestKitError.system(call: "mkdtemp", code: errno) }
        folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        port = try Self.freePort()
        clock = options.hasOwnClock ? try FakedClock(file: "\(folder)/clock") : nil
        supervisor = Mutex(nil)
        if let owner = Self.owner {
            guard chown(folder, owner.user, owner.group) == 0 else {
                throw TestKitError.system(call: "chown", code: errno)
            }
        }
        let script = Self.supervision
        let child = try SpawnedChild(
            ["sh", "-c", script, "supervisor", folder], environment: Self.environment, directory: "/tmp",
            diesWithUs: false)
        supervisor.withLock { $0 = child }
    }

    deinit {
        // The supervisor reads the end of this and clears up.
        guard let child = supervisor.withLock({ $0 }) else { return }
        for descriptor in [child.input, child.output, child.errors] { close(descriptor) }
    }

    /// Where the database of that name is, through the Unix socket.
    package func url(_ database: String = "postgres") -> String {
        let host = folder.replacing("/", with: "%2F")
        return "postgres://perigee@\(host):\(port)/\(database)"
    }

    /// Where the database of that name is, through TCP.
    /// - Parameter port: Another port than the server's, such as a proxy's.
    package func tcpURL(_ database: String = "postgres", port: Int? = nil) -> String {
        "postgres://perigee@127.0.0.1:\(port ?? self.port)/\(database)"
    }

    /// Starts the server after ``stop(_:)`` or ``kill()``.
    package func start() async throws {
        // Given to the server alone, and not before it has the rights that it keeps.
        let variables = try clock?.environment.map { "\($0)=\($1)" } ?? []
        try await run(
            ["env"] + variables + ["pg_ctl", "start", "-w", "-t", "60", "-D", data, "-l", "\(folder)/log"])
    }

    /// Stops the server.
    /// - Parameter mode: `fast` ends sessions, `immediate` does not write anything out.
    package func stop(_ mode: String = "fast") async throws {
        try await run(["pg_ctl", "stop", "-w", "-t", "60", "-m", mode, "-D", data])
    }

    /// Whether the server runs, frozen or not.
    package var isRunning: Bool {
        guard let parent = try? processes().first else { return false }
        return !isDead(parent)
    }

    /// Makes a standby the primary.
    package func promote() async throws {
        try await run(["pg_ctl", "promote", "-w", "-t", "60", "-D", data])
    }

    /// Kills the server and all its sessions with SIGKILL.
    package func kill() async throws {
        let all = try processes()
        for process in all { Foundation.kill(process, SIGKILL) }
        try await waitUntil("the end of PostgreSQL") {
            all.allSatisfy { !FileManager.default.fileExists(atPath: "/proc/\($0)") || self.isDead($0) }
        }
        // A dead process counts as a living one until its parent has taken note of it.
        for file in ["\(data)/postmaster.pid", "\(folder)/.s.PGSQL.\(port).lock"] {
            try? FileManager.default.removeItem(atPath: file)
        }
    }

    /// Stops the server's processes where they are, as a machine that hangs does.
    package func freeze() throws {
        // The parent first, so that it starts no more.
        if let parent = try processes().first { Foundation.kill(parent, SIGSTOP) }
        for process in try processes() { Foundation.kill(process, SIGSTOP) }
    }

    /// Lets them go on.
    package func thaw() throws { for process in try processes() { Foundation.kill(process, SIGCONT) } }

    /// Runs SQL outside of a transaction.
    /// - Returns: What `psql` prints, one row a line, columns separated by `|`.
    @discardableResult
    package func psql(_ sql: String, database: String = "postgres") async throws -> String {
        let outcome = try await run([
            "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql, url(database),
        ])
        return outcome.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Has somebody listen, look at the database's tables, and leave that transaction open for so long.
    /// - Returns: Who does; ends by itself.
    @discardableResult
    package func leaveTransactionOpen(
        seconds: Double, database: String = "postgres"
    ) async throws -> ChildProcess {
        let script = """
            LISTEN perigee_executor;
            BEGIN ISOLATION LEVEL REPEATABLE READ;
            SELECT count(*) FROM pg_stat_user_tables;
            SELECT * FROM cluster_state;
            \\! sleep \(seconds)
            COMMIT;

            """
        return try await ChildProcess.start(
            Self.privileges + ["psql", "-X", "-q", url(database)], environment: Self.environment,
            directory: "/tmp", input: Data(script.utf8))
    }

    /// Makes an empty database, or a copy of another one to which nobody is connected.
    package func makeDatabase(_ name: String, from template: String = "template0") async throws {
        try await psql("CREATE DATABASE \(name) TEMPLATE \(template)")
    }

    /// Lets the server own a folder of the test's, for a tablespace.
    package func take(_ path: String) throws {
        guard let owner = Self.owner else { return }
        guard chown(path, owner.user, owner.group) == 0 else {
            throw TestKitError.system(call: "chown", code: errno)
        }
    }

    /// The folder of the server's data.
    package var data: String { "\(folder)/data" }

    /// What the server has written to its log.
    package var log: String { (try? String(contentsOfFile: "\(folder)/log", encoding: .utf8)) ?? "" }

    private func make(_ options: Options) async throws {
        if let primary = options.standbyOf {
            try await run(
                ["pg_basebackup", "-D", data, "-R", "-X", "stream", "-c", "fast", "-d", primary.url()])
        } else {
            try await run(
                [
                    "initdb", "-D", data, "-U", "perigee", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8",
                    // Orders text as people do, so that a column that is to be ordered by bytes must say so.
                    "--locale-provider=icu", "--icu-locale=en",
                    "--no-sync", "--no-instructions",
                ])
        }
        let lines =
            [
                "listen_addresses = '127.0.0.1'", "port = \(port)", "unix_socket_directories = '\(folder)'",
                "max_connections = 200", "shared_buffers = 32MB",
                "fsync = \(options.isDurable ? "on" : "off")",
                "full_page_writes = \(options.isDurable ? "on" : "off")", "autovacuum_naptime = 10s",
                "restart_after_crash = on", "deadlock_timeout = 100ms", "max_wal_senders = 5",
                "wal_level = replica",
            ] + options.lines
        let file = "\(data)/postgresql.auto.conf"
        let existing = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: file))
        try handle.truncate(atOffset: 0)
        try handle.write(contentsOf: Data((existing + lines.joined(separator: "\n") + "\n").utf8))
        try handle.close()
    }

    @discardableResult
    private func run(_ command: [String]) async throws -> ProcessOutcome {
        let outcome = try await ChildProcess.run(
            Self.privileges + command, environment: Self.environment, directory: "/tmp")
        guard outcome.succeeded else {
            throw TestKitError.command(line: command.joined(separator: " ") + "\n" + log, outcome: outcome)
        }
        return outcome
    }

    /// The postmaster and its children.
    package func processes() throws -> [Int32] {
        let file = try String(contentsOfFile: "\(data)/postmaster.pid", encoding: .utf8)
        guard let parent = file.split(separator: "\n").first.flatMap({ pid_t($0) }) else {
            throw TestKitError.protocolViolation("postmaster.pid is \(file)")
        }
        let children =
            (try? String(contentsOfFile: "/proc/\(parent)/task/\(parent)/children", encoding: .utf8)) ?? ""
        return [parent] + children.split(separator: " ").compactMap { pid_t($0) }
    }

    private func isDead(_ process: pid_t) -> Bool {
        let stat = (try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)) ?? ""
        guard let end = stat.lastIndex(of: ")") else { return true }
        return stat[end...].dropFirst(2).first == "Z"
    }
}

extension ThrowawayPostgres {
    /// Waits until the test process is gone, or has no use for the server any more; then ends it and removes
    /// it.
    private static let supervision = """
        cat >/dev/null
        parent=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null)
        if [ -n "$parent" ]; then
            kill -CONT "$parent" $(cat "/proc/$parent/task/$parent/children" 2>/dev/null) 2>/dev/null
            kill -QUIT "$parent" 2>/dev/null
            for turn in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
                kill -0 "$parent" 2>/dev/null || break
                sleep 0.25
            done
            kill -KILL "$parent" 2>/dev/null
        fi
        rm -rf "$1"
        """

    private static var environment: [String: String] {
        var environment = Executable.environment
        environment["PATH"] = (programs.map { "\($0):" } ?? "") + (environment["PATH"] ?? "")
        return environment
    }

    /// The folder of the newest server; Debian does not put it on the PATH.
    private static let programs: String? = {
        let root = "/usr/lib/postgresql"
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        let newest = versions.compactMap { Double($0).map { ($0, "/\($0)") } }.max { $0.0 < $1.0 }
        return versions.filter { Double($0) == newest?.0 }.first.map { "\(root)/\($0)/bin" }
    }()

    private static let owner: (user: uid_t, group: gid_t)? = {
        guard geteuid() == 0, let entry = getpwnam("postgres") ?? getpwnam("nobody") else { return nil }
        return (entry.pointee.pw_uid, entry.pointee.pw_gid)
    }()

    private static let privileges: [String] =
        owner.map { ["setpriv", "--reuid", "\($0.user)", "--regid", "\($0.group)", "--clear-groups", "--"] }
        ?? []

    private static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw TestKitError.system(call: "socket", code: errno) }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(descriptor, pointer, length) == 0 ? getsockname(descriptor, pointer, &length) : -1
            }
        }
        guard code == 0 else { throw TestKitError.system(call: "bind", code: errno) }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
