import FoundationEssentials
import Glibc

/// A PostgreSQL server in a folder of its own that listens on a Unix socket in it alone.
struct ThrowAwayPostgres {
    /// The folder; other users may not look in.
    let folder: String
    private let log: String
    private let programs: String
    /// PostgreSQL refuses to run as root.
    private let user: SystemUser?
    private var data: String { folder + "/data" }

    /// Where nodes find the database `perigee`.
    var url: String { "postgres://perigee@/perigee?host=\(folder)" }

    /// - Parameter folder: At most 90 bytes long, as the socket's address is limited.
    init(folder: String, log: String) throws(DevelopmentError) {
        self.folder = folder
        self.log = log
        programs = try Self.findPrograms()
        guard getuid() == 0 else {
            user = nil
            return
        }
        guard let user = SystemUser(named: "postgres") ?? SystemUser(named: "nobody") else {
            throw .cannotStart(program: "postgres", reason: "it refuses to run as root. Run as another user")
        }
        self.user = user
    }

    /// Makes the database unless it is there, and starts the server.
    func start() throws(DevelopmentError) -> ClusterProgram {
        let isNew = access(data + "/PG_VERSION", F_OK) != 0
        if isNew {
            try Self.makeFolder(folder, for: user)
            try ClusterProgram.run(
                name: "initdb",
                [
                    programs + "/initdb", "-D", data, "-U", "perigee", "-A", "trust", "-E", "UTF8",
                    "--locale=C",
                    "--no-instructions",
                ], user: user, log: log)
        }
        let server = try ClusterProgram(
            name: "postgres",
            [
                programs + "/postgres", "-D", data, "-k", folder, "-c", "listen_addresses=", "-c",
                "max_connections=200",
            ], user: user, log: log)
        var isReady = false
        for _ in 0..<300 where !isReady && server.isRunning {
            isReady =
                (try? ClusterProgram.run(
                    name: "pg_isready", [programs + "/pg_isready", "-q", "-h", folder, "-U", "perigee"],
                    log: log)) != nil
            if !isReady { usleep(100_000) }
        }
        guard isReady else { throw .failed(program: "postgres", log: log) }
        if isNew {
            try ClusterProgram.run(
                name: "createdb",
                [programs + "/createdb", "-h", folder, "-U", "perigee", "perigee"], log: log)
        }
        return server
    }

    private static func makeFolder(_ path: String, for user: SystemUser?) throws(DevelopmentError) {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw .file(path: path, reason: String(cString: strerror(errno)))
        }
        if let user { _ = chown(path, user.id, user.group) }
    }

    /// The newest of the installed servers.
    private static func findPrograms() throws(DevelopmentError) -> String {
        let root = "/usr/lib/postgresql"
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        let found = versions.compactMap { Int($0) }.sorted(by: >).map { "\(root)/\($0)/bin" }
            .first { access($0 + "/postgres", X_OK) == 0 }
        guard let found else { throw .missing(program: "PostgreSQL", package: "postgresql") }
        return found
    }
}
