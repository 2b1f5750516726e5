import Foundation

/// A process just spawned, with our ends of its pipes.
struct SpawnedChild {
    let processID: Int32
    let input: Int32
    let output: Int32
    let errors: Int32

    /// - Parameter diesWithUs: Whether the kernel kills it when the thread that starts it goes.
    init(
        _ command: [String], environment: [String: String], directory: String?, diesWithUs: Bool = true
    ) throws {
        let input = try Pipe()
        let output = try Pipe()
        let errors = try Pipe()
        defer {
            close(input.reading)
            close(output.writing)
            close(errors.writing)
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input.reading, 0)
        posix_spawn_file_actions_adddup2(&actions, output.writing, 1)
        posix_spawn_file_actions_adddup2(&actions, errors.writing, 2)
        Self.closeOthers(&actions)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // A Swift test process ignores SIGPIPE and may block signals; the child gets the usual state.
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigaddset(&signals, SIGPIPE)
        sigaddset(&signals, SIGTERM)
        sigaddset(&signals, SIGINT)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setpgroup(&attributes, 0)
        let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
        posix_spawnattr_setflags(&attributes, Int16(flags))
        processID = try Self.spawn(
            ["env", "--chdir", directory ?? NSTemporaryDirectory()]
                + (diesWithUs ? ["setpriv", "--pdeathsig", "KILL", "--"] : []) + command,
            environment, actions, attributes)
        self.input = input.writing
        self.output = output.reading
        self.errors = errors.reading
    }

    private static func spawn(
        _ command: [String], _ environment: [String: String], _ actions: posix_spawn_file_actions_t,
        _ attributes: posix_spawnattr_t
    ) throws -> Int32 {
        var actions = actions
        var attributes = attributes
        var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
        var variables: [UnsafeMutablePointer<CChar>?] =
            environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in arguments + variables { free(text) } }
        var processID: Int32 = 0
        let code = posix_spawnp(&processID, "env", &actions, &attributes, &arguments, &variables)
        guard code == 0 else { throw TestKitError.system(call: "posix_spawn \(command)", code: code) }
        return processID
    }

    /// Keeps the child from inheriting what another thread has open at this moment: a pipe's end in a child
    /// that lives
    /// long keeps that pipe's reader waiting for as long.
    private static func closeOthers(_ actions: inout posix_spawn_file_actions_t) {
        // Looked up by name: the overlay leaves out what is glibc's own (2.34 and newer).
        guard let symbol = dlsym(nil, "posix_spawn_file_actions_addclosefrom_np") else { return }
        typealias CloseFrom = @convention(c) (UnsafeMutableRawPointer, CInt) -> CInt
        _ = withUnsafeMutablePointer(to: &actions) {
            unsafeBitCast(symbol, to: CloseFrom.self)(UnsafeMutableRawPointer($0), 3)
        }
    }

    /// A stream between us and the child. A socket pair, as it can be made close-on-exec in one step: a
    /// child that
    /// another thread spawns at this moment must not inherit an end, or the stream would not end with our
    /// child.
    private struct Pipe {
        let reading: Int32
        let writing: Int32

        init() throws {
            var ends: [Int32] = [0, 0]
            let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
            guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else {
                throw TestKitError.system(call: "socketpair", code: errno)
            }
            reading = ends[0]
            writing = ends[1]
        }
    }
}
