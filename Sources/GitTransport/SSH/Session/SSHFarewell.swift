import Glibc

/// Closes a socket so that its client reads what it was sent last.
enum SSHFarewell {
    private static let patience = Duration.milliseconds(500)
    private static let bytesMax = 1024 * 1024

    /// Reads and drops what the client still says, for a moment: a socket that is closed with bytes unread is
    /// reset, and the client's system then throws away what it has not read itself. Blocks for that moment.
    static func close(_ socket: CInt) {
        shutdown(socket, CInt(SHUT_WR))
        let end = ContinuousClock.now + patience
        var buffer = [UInt8](repeating: 0, count: 16 * 1024)
        var dropped = 0
        while dropped < bytesMax, ContinuousClock.now < end {
            var polled = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
            guard poll(&polled, 1, 100) >= 0 else { break }
            guard polled.revents != 0 else { continue }
            let count = recv(socket, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            dropped += count
        }
        Glibc.close(socket)
    }
}
