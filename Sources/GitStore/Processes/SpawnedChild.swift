import CGit2
import Glibc

/// A child process just started, in a session of its own, and this side's ends of its three pipes.
struct SpawnedChild {
    /// The process, which is also the id of its session and group.
    let process: pid_t
    /// Where its standard input is written.
    let input: CInt
    /// Where its standard output is read.
    let output: CInt
    /// Where its standard error is read.
    let standardError: CInt

    /// The size that a child's output pipe is given, so that a pack moves in few turns; a refusal does not
    /// matter.
    private static let outputPipeBytes: CInt = 256 * 1024

    /// Starts a program with exactly these arguments and this environment, and with no other open file.
    ///
    /// Uses `posix_spawn`, which borrows the parent's memory for a moment: `fork` copies its page tables,
    /// which takes ten times as long in a server.
    /// - Throws: ``GitStoreError/gitUnavailable(executable:reason:)`` or
    ///   ``GitStoreError/system(operation:path:errno:)``.
    static func spawn(executable: String, arguments: [String], environment: [String]) throws -> SpawnedChild {
        let input = try PipeEnds(for: executable)
        let output = try PipeEnds(for: executable)
        let standardError = try PipeEnds(for: executable)
        _ = fcntl(output.read, cgit2_set_pipe_size, outputPipeBytes)
        let process = try start(
            executable, arguments: [executable] + arguments, environment: environment,
            descriptors: [input.read, output.write, standardError.write])
        return SpawnedChild(
            process: process, input: input.keepWrite(), output: output.keepRead(),
            standardError: standardError.keepRead())
    }

    private static func start(
        _ executable: String, arguments: [String], environment: [String], descriptors: [CInt]
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        for (number, descriptor) in descriptors.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, descriptor, CInt(number))
        }
        posix_spawn_file_actions_addclosefrom_np(&actions, CInt(descriptors.count))
        posix_spawn_file_actions_addchdir_np(&actions, "/")

        var signals = sigset_t()
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        let flags = Int16(POSIX_SPAWN_SETSIGDEF) | Int16(POSIX_SPAWN_SETSIGMASK) | cgit2_spawn_setsid
        posix_spawnattr_setflags(&attributes, flags)

        var process: pid_t = 0
        let outcome = withCStrings(arguments) { arguments in
            withCStrings(environment) { environment in
                posix_spawn(&process, executable, &actions, &attributes, arguments, environment)
            }
        }
        switch outcome {
        case 0: return process
        case ENOENT, EACCES, ENOEXEC:
            throw GitStoreError.gitUnavailable(executable: executable, reason: SystemCall.text(outcome))
        default: throw SystemCall.failure("start", executable, errno: outcome)
        }
    }

    private static func withCStrings<R>(
        _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) throws -> R
    ) rethrows -> R {
        let copies = strings.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        return try body(copies + [nil])
    }
}

/// Both ends of a pipe, closed at exec; an end that is not kept is closed when the value goes away.
private struct PipeEnds: ~Copyable {
    let read: CInt
    let write: CInt

    init(for executable: String) throws {
        (read, write) = try Self.make(for: executable)
    }

    private static func make(for executable: String) throws -> (read: CInt, write: CInt) {
        var ends: [CInt] = [-1, -1]
        guard pipe2(&ends, O_CLOEXEC) == 0 else { throw SystemCall.failure("make a pipe for", executable) }
        // The parent may itself run with standard streams closed; an end in their place would overwrite
        // another in the child.
        let (read, write) = (aboveStandardStreams(ends[0]), aboveStandardStreams(ends[1]))
        guard read > 2, write > 2 else { throw SystemCall.failure("make a pipe for", executable) }
        return (read, write)
    }

    private static func aboveStandardStreams(_ descriptor: CInt) -> CInt {
        guard descriptor <= 2 else { return descriptor }
        defer { close(descriptor) }
        return fcntl(descriptor, F_DUPFD_CLOEXEC, 3)
    }

    consuming func keepRead() -> CInt {
        let end = read
        close(write)
        discard self
        return end
    }

    consuming func keepWrite() -> CInt {
        let end = write
        close(read)
        discard self
        return end
    }

    deinit {
        close(read)
        close(write)
    }
}
