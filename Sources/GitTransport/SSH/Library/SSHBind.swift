import CSSH
import Glibc
import Synchronization

/// The server's half of every session: its algorithms and host keys.
// @unchecked Sendable because the library's object is used under the lock alone, and freed when nobody holds
// this.
final class SSHBind: @unchecked Sendable {
    private let bind: ssh_bind
    private let lock = Mutex(())

    /// - Parameter hostKeys: Private keys in files.
    init(algorithms: SSHAlgorithms, hostKeys: [SSHHostKeyFile]) throws(SSHDoorError) {
        guard ssh_version(CInt(10) << 8) != nil else {
            throw .library(reason: "version \(Self.libraryVersion) is older than 0.10")
        }
        guard ssh_init() == SSH_OK, let bind = ssh_bind_new() else {
            throw .library(reason: "it does not start")
        }
        self.bind = bind
        var isRead = false  // else a file of the machine's would add to what is set here
        var rsaBitsMin: CInt = 2048
        guard ssh_bind_options_set(bind, SSH_BIND_OPTIONS_PROCESS_CONFIG, &isRead) == SSH_OK,
            ssh_bind_options_set(bind, SSH_BIND_OPTIONS_RSA_MIN_SIZE, &rsaBitsMin) == SSH_OK,
            ssh_bind_options_set(bind, SSH_BIND_OPTIONS_BANNER, "Perigee") == SSH_OK
        else { throw problem }
        for key in hostKeys {
            var loaded: ssh_key?
            guard ssh_pki_import_privkey_file(key.path, nil, nil, nil, &loaded) == SSH_OK, let loaded else {
                throw .hostKey(path: key.path, reason: "it is no private key")
            }
            // The bind object owns the key from here on.
            guard ssh_bind_options_set(bind, SSH_BIND_OPTIONS_IMPORT_KEY, UnsafeRawPointer(loaded)) == SSH_OK
            else { throw problem }
        }
        for (option, names) in algorithms.options {
            guard ssh_bind_options_set(bind, option, names.joined(separator: ",")) == SSH_OK else {
                throw problem
            }
        }
    }

    deinit { ssh_bind_free(bind) }

    /// The library's own version; the revision of a distribution's package does not show.
    static var libraryVersion: String { ssh_version(0).map { String(cString: $0) } ?? "unknown" }

    /// Begins the session of a connected socket.
    /// - Parameter socket: Owned by the session afterwards, also when nil is returned.
    func accept(_ socket: CInt) -> ssh_session? {
        guard let session = ssh_new() else {
            close(socket)
            return nil
        }
        var isRead = false
        ssh_options_set(session, SSH_OPTIONS_PROCESS_CONFIG, &isRead)
        // What git sends is compressed already.
        ssh_options_set(session, SSH_OPTIONS_COMPRESSION_C_S, "none")
        ssh_options_set(session, SSH_OPTIONS_COMPRESSION_S_C, "none")
        // Copies the host keys of the shared object, hence the lock.
        let outcome = lock.withLock { _ in ssh_bind_accept_fd(bind, session, socket) }
        guard outcome == SSH_OK else {
            ssh_free(session)
            return nil
        }
        ssh_set_blocking(session, 0)
        return session
    }

    private var problem: SSHDoorError {
        .library(reason: String(cString: ssh_get_error(UnsafeMutableRawPointer(bind))))
    }
}

/// The one fact of a channel that is read past the library's functions.
enum SSHChannelHead {
    /// Below this a channel is not used: the library's writing would not come to an end at 10 bytes.
    static let packetBytesMin: UInt32 = 1024

    /// Whether packets of a useful size may be sent to the channel's client; false too when that cannot be
    /// known, as the library keeps its channels otherwise than libssh 0.10 does.
    static func isUsable(_ channel: ssh_channel) -> Bool {
        cssh_channel_remote_maxpacket(channel) >= packetBytesMin
    }
}
