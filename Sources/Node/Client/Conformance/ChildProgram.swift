import FoundationEssentials
import Glibc
import Synchronization

/// A program that this one starts: in a process group of its own, with the given environment alone.
final class ChildProgram: Sendable {
    /// Its process.
    let identifier: pid_t
    private let status = Mutex<Int32?>(nil)

    /// - Parameter command: The program's path or a name in `PATH`, and its arguments.
    /// - Parameter output: The file that standard output and standard error go to.
    /// - Parameter descriptors: Handed on, as 3 and those that follow; each greater than what it becomes.
    /// - Throws: ``ConformanceError/program(name:reason:)``.
    init(
        _ command: [String], environment: [String: String], output: String, descriptors: [Int32] = []
    ) throws {
        identifier = try Self.spawn(
            command, environment.map { "\($0.key)=\($0.value)" }, output, descriptors)
    }

    private static func spawn(
        _ command: [String], _ environment: [String], _ output: String, _ descriptors: [Int32]
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        for (index, descriptor) in descriptors.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(3 + index))
        }
        // Whatever this program blocks or ignores.
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
        posix_spawnattr_setflags(&attributes, Int16(flags))
        let arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
        let variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup($0) } + [nil]
        var identifier: pid_t = 0
        let code = posix_spawnp(&identifier, command[0], &actions, &attributes, arguments, variables)
        for text in arguments + variables { free(text) }
        posix_spawn_file_actions_destroy(&actions)
        posix_spawnattr_destroy(&attributes)
        guard code == 0 else {
            throw ConformanceError.program(name: command[0], reason: String(cString: strerror(code)))
        }
        return identifier
    }

    deinit {
        if status.withLock({ $0 }) == nil { kill(-identifier, SIGKILL) }
    }

    /// Asks it to end, or with SIGKILL makes its whole group end.
    func signal(_ number: Int32) { kill(number == SIGKILL ? -identifier : identifier, number) }

    /// Its exit code, or 128 and the signal's number; `nil` while it runs.
    func exitCode() -> Int32? {
        status.withLock { status in
            if let status { return status }
            var word: Int32 = 0
            guard waitpid(identifier, &word, WNOHANG) == identifier else { return nil }
            let signal = word & 0x7f
            status = signal == 0 ? (word >> 8) & 0xff : 128 + signal
            return status
        }
    }

    /// Waits for its end.
    /// - Returns: The exit code; `nil` when it took too long, and was killed.
    func end(within limit: Duration) async throws -> Int32? {
        let deadline = ContinuousClock.now.advanced(by: limit)
        while true {
            if let code = exitCode() { return code }
            guard ContinuousClock.now < deadline else {
                signal(SIGKILL)
                return nil
            }
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}
