import CSSH
import Glibc
import Logging
import Metrics
import Synchronization

/// Accepts connections and gives each a thread; knows nothing of git.
final class SSHServer: Sendable {
    let registry: SSHRegistry
    private let settings: SSHSettings
    private let door: any SSHDoor
    private let logger: Logger
    private let bind: SSHBind
    private let listener = Mutex<SSHListener?>(nil)
    private let stopper: SSHWaker

    /// - Throws: ``SSHDoorError`` when the library does not take the keys or algorithms.
    init(
        settings: SSHSettings, hostKeys: [SSHHostKeyFile], door: any SSHDoor, logger: Logger
    ) throws(SSHDoorError) {
        self.settings = settings
        self.door = door
        self.logger = logger
        registry = SSHRegistry(settings: settings)
        bind = try SSHBind(
            algorithms: SSHAlgorithms(without: settings.disabledAlgorithms), hostKeys: hostKeys)
        stopper = try SSHWaker()
    }

    /// Listens, and serves clients from now on.
    /// - Returns: The port.
    func start() throws(SSHDoorError) -> Int {
        Self.raiseDescriptorLimit()
        let listener = try SSHListener(address: settings.address, port: settings.port)
        self.listener.withLock { $0 = listener }
        SSHThread.start { self.accept(from: listener) }
        return listener.port
    }

    /// Each connection needs about five descriptors; systems give 1,024 unless asked.
    private static func raiseDescriptorLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = min(limit.rlim_max, max(limit.rlim_cur, 65_536))
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    /// Closes the door: no new client, no new command; connections end as soon as they have nothing to do.
    func beginStop() {
        stopper.wake()
        listener.withLock { $0 = nil }
        registry.beginStop()
    }

    /// Returns when all connections are over and all commands are answered. Those that are still there when
    /// the task is cancelled are cut off.
    func drain() async {
        await registry.waitForNone()
        registry.endAll()
    }

    private func accept(from listener: SSHListener) {
        while true {
            var polled = [
                pollfd(fd: listener.descriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: stopper.descriptor, events: Int16(POLLIN), revents: 0),
            ]
            _ = poll(&polled, 2, -1)
            guard polled[1].revents == 0 else { return }
            guard let (socket, address) = listener.accept() else {
                // Out of descriptors: the client stays in the queue until one is free.
                if errno == EMFILE || errno == ENFILE || errno == ENOMEM { _ = poll(&polled[1], 1, 100) }
                continue
            }
            if let refusal = registry.mayAccept() {
                refuse(socket, refusal, address)
                continue
            }
            greet(socket, address)
        }
    }

    private func greet(_ socket: CInt, _ address: String) {
        var on: CInt = 1
        var stall = CInt(clamping: settings.stallTimeout.components.seconds * 1000)
        let size = socklen_t(MemoryLayout<CInt>.size)
        setsockopt(socket, CInt(IPPROTO_TCP), CInt(TCP_NODELAY), &on, size)
        setsockopt(socket, CInt(IPPROTO_TCP), CInt(TCP_USER_TIMEOUT), &stall, size)
        guard let control = try? SSHControl() else {
            close(socket)
            return
        }
        // Counted from here on, under the address that the socket shows; under a proxy's, that of the client
        // follows.
        let proxied = settings.expectsProxyHeader
        switch registry.add(control, address: proxied ? "" : address) {
        case .failure(let error): refuse(socket, error.refusal, address)
        case .success(let id):
            let isStarted = SSHThread.start { self.serve(socket, id: id, address: address, control: control) }
            guard !isStarted else { return }
            close(socket)
            registry.remove(id)
        }
    }

    private func serve(_ socket: CInt, id: UInt64, address: String, control: SSHControl) {
        defer { registry.remove(id) }
        var address = address
        if settings.expectsProxyHeader {
            let deadline = ContinuousClock.now + settings.authenticationTimeout
            guard let client = ProxyHeader.read(from: socket, until: deadline, wake: control.waker.descriptor)
            else {
                logger.debug("no PROXY header", metadata: ["remote": "\(address)"])
                close(socket)
                return
            }
            address = client.isEmpty ? address : client
            if let refusal = registry.rename(id, address: address) { return refuse(socket, refusal, address) }
        }
        guard let session = bind.accept(socket) else { return }
        SSHConnection(
            session: session, socket: socket, id: id, address: address, control: control,
            environment: .init(settings: settings, registry: registry, door: door, logger: logger)
        ).run()
    }

    /// Says why in a line before the protocol begins, where RFC 4253 lets a server say what it likes.
    private func refuse(_ socket: CInt, _ refusal: SSHRegistry.Refusal, _ address: String) {
        let line = "Perigee does not take this connection: \(refusal.rawValue). Try again in a moment.\r\n"
        _ = send(socket, line, line.utf8.count, CInt(MSG_NOSIGNAL))
        close(socket)
        Counter(label: "perigee.ssh.refused", dimensions: [("reason", "\(refusal)")]).increment()
        logger.debug(
            "connection refused", metadata: ["remote": "\(address)", "reason": "\(refusal.rawValue)"])
    }
}

/// Threads of the SSH door.
enum SSHThread {
    /// Enough for the library's frames; what is not touched costs nothing.
    private static let stackBytes = 512 * 1024

    /// Runs `work` on a thread of its own.
    /// - Returns: Whether the system has one.
    @discardableResult
    static func start(_ work: @escaping @Sendable () -> Void) -> Bool {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setstacksize(&attributes, stackBytes)
        pthread_attr_setdetachstate(&attributes, CInt(PTHREAD_CREATE_DETACHED))
        let argument = Unmanaged.passRetained(Work(work)).toOpaque()
        var thread = pthread_t()
        let outcome = pthread_create(
            &thread, &attributes,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, argument)
        if outcome != 0 { Unmanaged<Work>.fromOpaque(argument).release() }
        return outcome == 0
    }

    private final class Work: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }
}
