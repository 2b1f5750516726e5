import CSSH
import Glibc
import NIOCore
import Portable

/// One channel of a connection: a client's command, from its opening to its exit code.
///
/// Belongs to the connection's thread. What the library calls runs inside its handling of packets, so it only
/// notes what was asked.
final class SSHChannel {
    /// What the client has asked for.
    enum Wish {
        case nothing
        case shell
        case command(String)
    }

    let channel: ssh_channel
    private(set) var wish = Wish.nothing
    private(set) var gitProtocol: String?
    /// Whether the client takes packets so small that nothing can be sent to it.
    private(set) var isUnusable = false
    /// Whether the command has ended and the client has been told.
    private(set) var isFinished = false
    /// Whether the client has closed the channel: it has taken in everything then.
    private(set) var isClosedByClient = false
    /// Set while the command is being answered.
    var exchange: SSHExchange?
    /// How much of the exchange's first block has been written.
    private var written = 0
    private let callbacks: UnsafeMutablePointer<ssh_channel_callbacks_struct>

    /// Takes over a channel that the library has just made.
    init(_ channel: ssh_channel) {
        self.channel = channel
        callbacks = .allocate(capacity: 1)
        callbacks.initialize(to: ssh_channel_callbacks_struct())
        callbacks.pointee.size = MemoryLayout<ssh_channel_callbacks_struct>.size
        callbacks.pointee.userdata = Unmanaged.passUnretained(self).toOpaque()
        // Git clients run with -tt ask for a terminal; they get none, but are not refused one either.
        callbacks.pointee.channel_pty_request_function = { _, _, _, _, _, _, _, _ in 0 }
        callbacks.pointee.channel_env_request_function = { _, _, name, value, user in
            SSHChannel.of(user)?.setVariable(name, value) ?? 1
        }
        callbacks.pointee.channel_shell_request_function = { _, _, user in
            SSHChannel.of(user)?.ask(.shell) ?? 1
        }
        callbacks.pointee.channel_exec_request_function = { _, _, command, user in
            guard let command, let text = String(validatingCString: command), text.isStreamSafe else {
                return 1
            }
            return SSHChannel.of(user)?.ask(.command(text)) ?? 1
        }
        callbacks.pointee.channel_close_function = { _, _, user in
            SSHChannel.of(user)?.isClosedByClient = true
        }
        ssh_set_channel_callbacks(channel, callbacks)
    }

    deinit {
        ssh_remove_channel_callbacks(channel, callbacks)
        ssh_channel_free(channel)
        callbacks.deallocate()
    }

    private static func of(_ user: UnsafeMutableRawPointer?) -> SSHChannel? {
        user.map { Unmanaged<SSHChannel>.fromOpaque($0).takeUnretainedValue() }
    }

    /// One command or shell per channel.
    private func ask(_ wish: Wish) -> CInt {
        guard case .nothing = self.wish else { return 1 }
        guard SSHChannelHead.isUsable(channel) else {
            isUnusable = true
            return 1
        }
        self.wish = wish
        return 0
    }

    private func setVariable(_ name: UnsafePointer<CChar>?, _ value: UnsafePointer<CChar>?) -> CInt {
        guard let name, let value, strcmp(name, "GIT_PROTOCOL") == 0, case .nothing = wish else {
            return 1
        }
        let text = String(cString: value)
        guard text.isStreamSafe, GitProtocolVersion.isWellFormed(text) else { return 1 }
        gitProtocol = text
        return 0
    }
}

/// The moving of bytes.
extension SSHChannel {
    /// What a turn of moving came to.
    enum Turn {
        /// This many bytes have moved.
        case moved(Int)
        /// The client is gone.
        case gone
        /// The command has ended and the client has been told.
        case finished
    }

    /// How much may wait unread: the window is 1.28 MB, and the library takes in more than it has allowed.
    private static let unreadBytesMax: CInt = 3 * 1024 * 1024
    private static let unreadErrorBytesMax: CInt = 64 * 1024
    private static let writeBytesMax = 128 * 1024

    /// Whether the client has sent more than it was allowed to, which the library takes in nevertheless; also
    /// where no command takes it away, or none any more.
    var isOverrun: Bool {
        ssh_channel_poll(channel, 0) > Self.unreadBytesMax
            || ssh_channel_poll(channel, 1) > Self.unreadErrorBytesMax
    }

    /// Moves what can be moved now, in both directions.
    func move(_ exchange: SSHExchange, session: ssh_session) -> Turn {
        let unread = ssh_channel_poll(channel, 0)
        var moved = 0
        if unread > 0, exchange.takesInput {
            // All of it in one read: each read opens the window anew, whatever is still unread.
            var block = ByteBuffer()
            let count = block.writeWithUnsafeMutableBytes(minimumWritableBytes: Int(unread)) { space in
                max(0, Int(ssh_channel_read_nonblocking(channel, space.baseAddress, UInt32(unread), 0)))
            }
            if count > 0 {
                exchange.offer(block)
                moved += count
            }
        } else if unread <= 0, ssh_channel_is_eof(channel) != 0, exchange.takesInput {
            exchange.stopInput()
        }
        moved += send(exchange, session: session)
        if let code = exchange.settledExit { return finish(code) }
        return ssh_channel_is_closed(channel) != 0 ? .gone : .moved(moved)
    }

    /// Writes while the library has passed on what it was given before: its buffer has no bound of its own.
    private func send(_ exchange: SSHExchange, session: ssh_session) -> Int {
        var total = 0
        while let (bytes, isError) = exchange.nextOutput {
            while written < bytes.readableBytes {
                guard ssh_get_status(session) & SSH_WRITE_PENDING == 0 else { return total }
                let length = min(bytes.readableBytes - written, Self.writeBytesMax)
                let count = bytes.withUnsafeReadableBytes { space in
                    let start = space.baseAddress?.advanced(by: written)
                    return isError
                        ? ssh_channel_write_stderr(channel, start, UInt32(length))
                        : ssh_channel_write(channel, start, UInt32(length))
                }
                // Nothing in a rekeying or while the window is closed; less than nothing when it is over.
                guard count > 0 else { return total }
                written += Int(count)
                total += Int(count)
            }
            written = 0
            exchange.passedOutput()
        }
        return total
    }

    private func finish(_ code: Int32) -> Turn {
        ssh_channel_request_send_exit_status(channel, code)
        ssh_channel_send_eof(channel)
        ssh_channel_close(channel)
        isFinished = true
        return .finished
    }
}
