import FoundationEssentials
import Glibc

/// A PostgreSQL server in a folder of its own that listens on a Unix socket in it alone.
struct ThrowAwayPostgres {
    /// The longest folder, in bytes: the address of a Unix socket has 107, `/.s.PGSQL.5432` included.
    static let folderBytesMax = 92
    /// The folder; other users may not look in.
    let folder: String
    private let log: String
    private let programs: String
    /// PostgreSQL refuses to run as root.
    private let user: SystemUser?
    private var data: String { folder + "/data" }
    /// There once the database is.
    private let mark: String
    private let port = "5432"

    /// Where nodes find the database `perigee`.
    var url: String {
        let plain = folder.utf8.map { byte -> String in
            let isPlain =
                Unicode.Scalar(byte).properties.isAlphabetic && byte < 128
                || (48...57).contains(byte) || "/-_.".utf8.contains(byte)
            return isPlain ? String(Unicode.Scalar(byte)) : "%" + Self.hexadecimal(byte)
        }
        return "postgres://perigee@/perigee?host=\(plain.joined())&port=\(port)"
    }

    /// - Parameter folder: At most ``folderBytesMax`` bytes long.
    init(_ place: ClusterFolder, tools: ClusterTools) throws(DevelopmentError) {
        folder = place.path + "/postgres"
        mark = place.path + "/postgres-is-made"
        log = place.log("postgres")
        programs = tools.postgres
        guard folder.utf8.count <= Self.folderBytesMax else {
            throw .file(
                path: folder,
                reason: "the path is too long for a socket in it. Choose a shorter --folder")
        }
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
        try makeFolder()
        let isNew = access(mark, F_OK) != 0
        if isNew {
            // What an earlier start began and did not end.
            try? FileManager.default.removeItem(atPath: data)
            try ClusterProgram.run(
                name: "initdb",
                [
                    programs + "/initdb", "-D", data, "-U", "perigee", "-A", "trust", "-E", "UTF8",
                    "--locale=C", "--no-instructions",
                ], user: user, log: log)
        }
        let server = try ClusterProgram(
            name: "postgres",
            [
                programs + "/postgres", "-D", data, "-k", folder, "-p", port, "-c", "listen_addresses=", "-c",
                "max_connections=200",
            ], user: user, log: log)
        do {
            try waitUntilReady(server)
            if isNew {
                try ClusterProgram.run(
                    name: "createdb",
                    [programs + "/createdb", "-h", folder, "-p", port, "-U", "perigee", "perigee"], log: log)
                close(open(mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600))
            }
        } catch {
            server.signal(SIGQUIT)
            while server.isRunning { usleep(5_000) }
            throw error
        }
        return server
    }

    private func waitUntilReady(_ server: ClusterProgram) throws(DevelopmentError) {
        for _ in 0..<600 where server.isRunning {
            do {
                return try ClusterProgram.run(
                    name: "pg_isready",
                    [programs + "/pg_isready", "-q", "-h", folder, "-p", port, "-U", "perigee"], log: log)
            } catch {
                usleep(100_000)
            }
        }
        throw .failed(program: "postgres", log: log)
    }

    private func makeFolder() throws(DevelopmentError) {
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST else {
            throw .file(path: folder, reason: String(cString: strerror(errno)))
        }
        guard let user else { return }
        guard chown(folder, user.id, user.group) == 0 else {
            throw .file(path: folder, reason: String(cString: strerror(errno)))
        }
        do {
            try ClusterProgram.run(name: "test", ["test", "-x", folder], user: user, log: log)
        } catch {
            throw .cannotStart(
                program: "postgres",
                reason: "it refuses to run as root, and the user \(user.name) cannot enter \(folder). "
                    + "Choose a --folder that other users can enter, or run as another user")
        }
    }

    private static func hexadecimal(_ byte: UInt8) -> String {
        let digits = Array("0123456789ABCDEF")
        return String([digits[Int(byte >> 4)], digits[Int(byte & 15)]])
    }
}
