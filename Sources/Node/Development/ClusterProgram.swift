import FoundationEssentials
import Glibc

/// A program that the development cluster runs beside this one; it ends when this one does.
struct ClusterProgram {
    /// For messages, and the name of its log.
    let name: String
    private let program: ChildProgram

    /// Starts a program; what it says goes into a file.
    /// - Parameters:
    ///   - command: The program and its arguments; found by the environment's PATH.
    ///   - user: As whom it runs, when this process may choose.
    ///   - environment: More variables.
    ///   - descriptors: Handed on, from 3 on.
    init(
        name: String, _ command: [String], user: SystemUser? = nil, environment: [String: String] = [:],
        descriptors: [CInt] = [], log: String
    ) throws(DevelopmentError) {
        self.name = name
        var words = ["setpriv", "--pdeathsig", "TERM"]
        if let user {
            words += ["--reuid", String(user.id), "--regid", String(user.group), "--clear-groups"]
        }
        do {
            program = try ChildProgram(
                words + ["--"] + command,
                environment: ProcessInfo.processInfo.environment.merging(environment) { $1 }, output: log,
                descriptors: descriptors)
        } catch {
            throw .cannotStart(program: name, reason: "\(error)")
        }
    }

    /// Runs a program to its end.
    /// - Throws: ``DevelopmentError/failed(program:log:)`` when it says that it failed.
    static func run(
        name: String, _ command: [String], user: SystemUser? = nil, log: String
    ) throws(DevelopmentError) {
        let program = try ClusterProgram(name: name, command, user: user, log: log)
        while program.isRunning { usleep(5_000) }
        guard program.program.exitCode() == 0 else { throw .failed(program: name, log: log) }
    }

    /// Its process.
    var identifier: pid_t { program.identifier }

    /// Whether it still runs.
    var isRunning: Bool { program.exitCode() == nil }

    /// Asks it to end, or with SIGKILL makes it end.
    func signal(_ number: CInt) {
        if isRunning { program.signal(number) }
    }
}

/// A user of this machine.
struct SystemUser {
    let name: String
    let id: uid_t
    let group: gid_t

    /// The user of this name.
    init?(named name: String) {
        guard let entry = getpwnam(name) else { return nil }
        self.name = name
        id = entry.pointee.pw_uid
        group = entry.pointee.pw_gid
    }
}

/// The programs that a development cluster is made of besides this one.
struct ClusterTools {
    /// The path of HAProxy.
    let haproxy: String
    /// The folder of PostgreSQL's programs.
    let postgres: String

    /// Looks for all of them.
    /// - Throws: ``DevelopmentError/missing(program:package:)`` for the first that is missing.
    init() throws(DevelopmentError) {
        guard Self.find("setpriv") != nil else {
            throw .missing(program: "setpriv", package: "util-linux")
        }
        guard let folder = Self.newestPostgres else {
            throw .missing(program: "PostgreSQL", package: "postgresql")
        }
        guard let haproxy = Self.find("haproxy") else {
            throw .missing(program: "HAProxy", package: "haproxy")
        }
        self.postgres = folder
        self.haproxy = haproxy
    }

    /// Also where Debian keeps programs of the administrator's, which are not on everybody's path.
    private static func find(_ name: String) -> String? {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        return (path + ":/usr/sbin:/sbin:/usr/local/sbin").split(separator: ":").map { "\($0)/\(name)" }
            .first { access($0, X_OK) == 0 }
    }

    private static var newestPostgres: String? {
        let root = "/usr/lib/postgresql"
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        return versions.compactMap { Int($0) }.sorted(by: >).map { "\(root)/\($0)/bin" }
            .first { access($0 + "/postgres", X_OK) == 0 }
    }
}
