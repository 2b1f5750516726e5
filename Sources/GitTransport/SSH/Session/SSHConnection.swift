import CSSH
import Glibc
import Logging
import Portable

/// One client, from its first byte to its last, on a thread of its own.
///
/// Not `Sendable`: the library's session must not be touched by two threads. Others reach the thread through
/// ``SSHControl``.
final class SSHConnection {
    /// What a connection needs of the server.
    struct Environment: Sendable {
        let settings: SSHSettings
        let registry: SSHRegistry
        let door: any SSHDoor
        let logger: Logger
    }

    let environment: Environment
    let control: SSHControl
    let session: ssh_session
    let socket: CInt
    let id: UInt64
    let address: String
    var visitor: SSHVisitor?
    var channels: [SSHChannel] = []
    /// Why the connection is to end; nil while it goes on.
    var ending: String?
    private var event: ssh_event?
    private let counters: UnsafeMutablePointer<ssh_counter_struct>
    private let callbacks: UnsafeMutablePointer<ssh_server_callbacks_struct>
    private var login = SSHLogin()
    private let begun = ContinuousClock.now
    private var lastMoved = ContinuousClock.now
    private var lastHeard = ContinuousClock.now
    private var heardBytes: UInt64 = 0
    private var questions = 0
    private var hasRunCommand = false

    /// How many bytes a client may send before it has run a command: enough for any login.
    static let bytesBeforeCommandMax: UInt64 = 1024 * 1024

    init(
        session: ssh_session, socket: CInt, id: UInt64, address: String, control: SSHControl,
        environment: Environment
    ) {
        self.session = session
        self.socket = socket
        self.id = id
        self.address = address
        self.control = control
        self.environment = environment
        counters = .allocate(capacity: 1)
        counters.initialize(to: ssh_counter_struct())
        callbacks = .allocate(capacity: 1)
        callbacks.initialize(to: ssh_server_callbacks_struct())
        callbacks.pointee.size = MemoryLayout<ssh_server_callbacks_struct>.size
    }

    deinit {
        channels = []
        if let event {
            ssh_event_remove_session(event, session)
            ssh_event_free(event)
        }
        ssh_free(session)
        counters.deallocate()
        callbacks.deallocate()
    }

    /// Serves the client until one of the two ends it.
    func run() {
        ssh_set_counters(session, counters, nil)
        installCallbacks()
        guard exchangeKeys() else { return end() }
        ssh_set_auth_methods(session, CInt(bitPattern: SSH_AUTH_METHOD_PUBLICKEY))
        event = ssh_event_new()
        guard let event, ssh_event_add_session(event, session) == SSH_OK else {
            ending = "the library has no room for it"
            return end()
        }
        while ending == nil, ssh_is_connected(session) != 0 {
            wait()
            if ssh_event_dopoll(event, 0) == SSH_ERROR { break }
            note()
            serveChannels()
            checkLimits()
        }
        end()
    }

    private func exchangeKeys() -> Bool {
        while ending == nil {
            switch ssh_handle_key_exchange(session) {
            case SSH_OK: return true
            case SSH_AGAIN: break
            default:
                ending = String(cString: ssh_get_error(UnsafeMutableRawPointer(session)))
                return false
            }
            wait()
            note()
            checkLimits()
        }
        return false
    }

    /// Tells the client why, where the library can, and those who still answer it that it is gone.
    private func end() {
        for channel in channels { channel.exchange?.leave() }
        // Before the library frees all channels itself, as it does in the next call.
        channels = []
        if let ending, ssh_is_connected(session) != 0 {
            // The library writes at once only when it has seen that the socket takes more.
            if let event { for _ in 0..<3 { ssh_event_dopoll(event, 0) } }
            let copy = fcntl(socket, F_DUPFD_CLOEXEC, 3)
            ssh_session_set_disconnect_message(session, ending)
            ssh_disconnect(session)
            if copy >= 0 { SSHFarewell.close(copy) }
        }
        var metadata: Logger.Metadata = ["remote": "\(address)", "bytes.in": "\(counters.pointee.in_bytes)"]
        metadata["bytes.out"] = "\(counters.pointee.out_bytes)"
        if let ending { metadata["reason"] = "\(ending.prefix(200))" }
        if let visitor { metadata["user"] = "\(visitor.name)" }
        environment.logger.debug("connection over", metadata: metadata)
    }

    /// Waits for the socket, a word from another thread, or the next deadline.
    private func wait() {
        // Else the client's kernel holds its next packet back until ours has acknowledged the last one.
        var on: CInt = 1
        if !hasRunCommand {
            setsockopt(socket, CInt(IPPROTO_TCP), CInt(TCP_QUICKACK), &on, socklen_t(MemoryLayout<CInt>.size))
        }
        let wants =
            Int16(POLLIN) | (ssh_get_poll_flags(session) & SSH_WRITE_PENDING != 0 ? Int16(POLLOUT) : 0)
        var polled = [
            pollfd(fd: socket, events: wants, revents: 0),
            pollfd(fd: control.waker.descriptor, events: Int16(POLLIN), revents: 0),
        ]
        _ = poll(&polled, 2, timeout)
        if polled[1].revents != 0 { control.waker.clear() }
    }
}

/// Deadlines and limits.
extension SSHConnection {
    private var settings: SSHSettings { environment.settings }

    /// Until when nothing has to be looked at again, in milliseconds.
    private var timeout: CInt {
        let now = ContinuousClock.now
        guard visitor != nil else { return (begun + settings.authenticationTimeout - now).milliseconds }
        let keepalive = lastHeard + settings.keepaliveInterval * (questions + 1) - now
        return min(keepalive, lastMoved + settings.idleTimeout - now).milliseconds
    }

    /// Takes note of what has been heard.
    private func note() {
        guard counters.pointee.in_bytes != heardBytes else { return }
        heardBytes = counters.pointee.in_bytes
        lastHeard = .now
        questions = 0
    }

    private func checkLimits() {
        switch control.end {
        case .revoked: ending = "your key was revoked or your account disabled"
        case .cut: ending = "the server is stopping"
        // A client that has not closed its channel yet has not taken in all of its answer.
        case .stopping where channels.allSatisfy({ $0.exchange == nil && !$0.isFinished }):
            ending = "the server is stopping"
        case .stopping, nil: break
        }
        if ending == nil { ending = login.complaint }
        guard ending == nil else { return }
        let now = ContinuousClock.now
        guard visitor != nil else {
            if now - begun >= settings.authenticationTimeout { ending = "the login took too long" }
            if heardBytes > Self.bytesBeforeCommandMax { ending = "too many bytes before a login" }
            return
        }
        if !hasRunCommand, heardBytes > Self.bytesBeforeCommandMax {
            ending = "too many bytes before a command"
        }
        let waitsForClient = channels.isEmpty || channels.contains { $0.exchange?.awaitsClient ?? true }
        if !waitsForClient { lastMoved = now }
        if now - lastMoved >= settings.idleTimeout {
            ending = "nothing was said for \(settings.idleTimeout.components.seconds) s"
        }
        guard now - lastHeard >= settings.keepaliveInterval * (questions + 1) else { return }
        questions += 1
        if questions > settings.keepaliveMax {
            ending = "the client gives no sign of life"
        } else {
            ssh_send_keepalive(session)
        }
    }
}

/// Commands.
extension SSHConnection {
    private func serveChannels() {
        // The library may call back, and add a channel, while one of these moves bytes.
        for channel in channels {
            if channel.isUnusable { ending = "packets of less than \(SSHChannelHead.packetBytesMin) bytes" }
            if channel.isOverrun { ending = "more bytes than the window allows" }
            guard let exchange = channel.exchange else {
                if !channel.isFinished {
                    start(channel)
                } else if channel.isClosedByClient {
                    channels.removeAll { $0 === channel }
                }
                continue
            }
            switch channel.move(exchange, session: session) {
            case .moved(let count): if count > 0 { lastMoved = .now }
            case .finished:
                exchange.leave()
                channel.exchange = nil
                lastMoved = .now
            case .gone:
                exchange.leave()
                channels.removeAll { $0 === channel }
                lastMoved = .now
            }
        }
    }

    private func start(_ channel: SSHChannel) {
        let command: String?
        switch channel.wish {
        case .nothing:
            if ssh_channel_is_closed(channel.channel) != 0 { channels.removeAll { $0 === channel } }
            return
        case .shell: command = nil
        case .command(let text): command = text
        }
        guard let visitor else { return }
        hasRunCommand = true
        lastMoved = .now
        let exchange = SSHExchange(waker: control.waker)
        channel.exchange = exchange
        let request = SSHRequest(
            command: command, gitProtocol: channel.gitProtocol, visitor: visitor, address: address)
        let (door, registry) = (environment.door, environment.registry)
        registry.beginCommand()
        Task.detached {
            let code = await door.answer(request, exchange: exchange)
            exchange.exit(code)
            registry.endCommand()
        }
    }
}

/// What the library calls.
extension SSHConnection {
    private func installCallbacks() {
        callbacks.pointee.userdata = Unmanaged.passUnretained(self).toOpaque()
        callbacks.pointee.auth_pubkey_function = { _, name, key, state, user in
            guard let name, let key, let connection = SSHConnection.of(user) else {
                return CInt(SSH_AUTH_DENIED.rawValue)
            }
            let login = String(cString: name)
            guard login.isStreamSafe else { return CInt(SSH_AUTH_DENIED.rawValue) }
            let isIn = connection.judge(name: login, key: key, state: state)
            return CInt(isIn ? SSH_AUTH_SUCCESS.rawValue : SSH_AUTH_DENIED.rawValue)
        }
        callbacks.pointee.auth_none_function = { _, _, _ in CInt(SSH_AUTH_DENIED.rawValue) }
        callbacks.pointee.channel_open_request_session_function = { session, user in
            guard let session, let connection = SSHConnection.of(user) else { return nil }
            return connection.openChannel(session)
        }
        ssh_set_server_callbacks(session, callbacks)
    }

    private static func of(_ user: UnsafeMutableRawPointer?) -> SSHConnection? {
        user.map { Unmanaged<SSHConnection>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Called once to ask whether a key is known, then again with a signature by it.
    private func judge(name: String, key: ssh_key, state: CChar) -> Bool {
        guard visitor == nil, login.complaint == nil, let shown = SSHShownKey(key),
            let found = login.visitor(
                name: name, key: shown, limit: environment.settings.keyOffersMax,
                door: environment.door)
        else { return false }
        switch Int32(state) {
        case SSH_PUBLICKEY_STATE_NONE.rawValue: return true
        case SSH_PUBLICKEY_STATE_VALID.rawValue:
            visitor = found
            lastMoved = .now
            environment.registry.authenticated(id, key: found.key)
            let (door, registry, address) = (environment.door, environment.registry, address)
            registry.beginCommand()
            Task.detached {
                await door.welcome(found, from: address)
                registry.endCommand()
            }
            return true
        default: return false
        }
    }

    private func openChannel(_ session: ssh_session) -> ssh_channel? {
        guard visitor != nil, channels.count < environment.settings.channelsMax, control.end == nil,
            let channel = ssh_channel_new(session)
        else { return nil }
        channels.append(SSHChannel(channel))
        return channel
    }
}

extension Duration {
    /// For `poll`: rounded up, from 0 to an hour.
    fileprivate var milliseconds: CInt {
        let (seconds, attoseconds) = components
        guard seconds < 3600 else { return 3_600_000 }
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        return CInt(seconds) * 1000 + CInt(attoseconds / 1_000_000_000_000_000) + 1
    }
}
