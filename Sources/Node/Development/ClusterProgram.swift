import FoundationEssentials
import Glibc

/// A program that the development cluster runs beside this one; it ends when this one does.
struct ClusterProgram {
    /// For messages, and the name of its log.
    let name: String
    private let program: ChildProgram

    /// Starts a program; what it says goes into a file.
    /// - Parameter command: The program and its arguments; found by the environment's PATH.
    /// - Parameter user: As whom it runs, when this process may choose.
    init(name: String, _ command: [String], user: SystemUser? = nil, log: String) throws(DevelopmentError) {
        self.name = name
        var words = ["setpriv", "--pdeathsig", "TERM"]
        if let user {
            words += ["--reuid", String(user.id), "--regid", String(user.group), "--clear-groups"]
        }
        do {
            program = try ChildProgram(
                words + ["--"] + command, environment: ProcessInfo.processInfo.environment, output: log)
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

    /// Whether it still runs.
    var isRunning: Bool { program.exitCode() == nil }

    /// Asks it to end.
    func signal(_ number: CInt) {
        if isRunning { program.signal(number) }
    }

    /// Waits for its end.
    func wait() {
        while isRunning { usleep(5_000) }
    }
}

/// A user of this machine.
struct SystemUser {
    let id: uid_t
    let group: gid_t

    /// The user of this name.
    init?(named name: String) {
        guard let entry = getpwnam(name) else { return nil }
        id = entry.pointee.pw_uid
        group = entry.pointee.pw_gid
    }
}

/// Why the development cluster cannot run.
package enum DevelopmentError: Error, CustomStringConvertible {
    /// A program is missing.
    case missing(program: String, package: String)
    /// A program could not be started.
    case cannotStart(program: String, reason: String)
    /// A program said that it failed, or ended when it should not.
    case failed(program: String, log: String)
    /// A folder or file could not be made.
    case file(path: String, reason: String)

    /// A sentence with what to do.
    package var description: String {
        switch self {
        case .missing(let program, let package):
            "\(program) is missing. Install Debian's package \(package): apt-get install \(package)"
        case .cannotStart(let program, let reason): "\(program) cannot be started: \(reason)"
        case .failed(let program, let log): "\(program) has failed. See \(log)"
        case .file(let path, let reason): "\(path) cannot be made: \(reason)"
        }
    }
}
